"""What can be proved? One theorem a file.

Each file states its theorem, its status (``**Status.**`` and one of the words of :data:`lrtheory.theory.theorem.STATUSES`) and
its source (``**Source.**``), derives it in sympy steps that the tests assert, and holds the numeric function made from it. Its
record ``THEOREM`` says the same to a program; :mod:`lrtheory.theorems` lists the records.

The price of a wrong rate: ``worst_case``, ``worst_function`` (which attains it), ``misspecification`` (the law),
``law_attained``, ``one_step``, ``fixed_step_lower_bound``, ``any_average`` (of the iterates, with ``averaging_weights``),
``averaged``, ``adaptive``, ``smooth``, ``smooth_lower_bound``, ``published_bound``, and ``certificates``, which judges them by
semidefinite programming.

What to do about it: ``grid_planning``, ``robust_schedule`` (the schedule that forgives most, and why none forgives more),
``optimal_schedule`` (for gradient norms that vary), ``step_search`` (over all steps).

What a step does besides descending: ``modified_equation`` (on ``rooted_trees``), ``gradient_corrections``, ``quadratic``,
``equation_seven``, ``implicit_euler``, ``gradient_flow``, and the penalties of optimizers: ``implicit_penalty``,
``momentum_penalty``, ``minibatch_penalty``, ``adam_penalty``, ``schedule_penalty``.
"""
