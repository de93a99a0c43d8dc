"""What can be proved? One theorem per file.

Each file states its theorem, its status (``**Status.**`` and one of the words of
:data:`lrtheory.theory.theorem.STATUSES`) and its source (``**Source.**``), derives it in sympy steps that the tests
assert, and holds the numeric function made from it. Its record ``THEOREM`` says the same to a program;
:mod:`lrtheory.theorems` lists the records.

The price of a wrong rate: ``last_iterate`` (the worst case), ``hard_instance`` (a function that attains it),
``misspecification`` (the law), ``law_attained``, ``one_step``, ``mixed_restarts``, ``fixed_steps``, ``any_average`` (of
the iterates, with ``averaging_weights``), ``averaged``, ``heavy_ball``, ``adaptive``, ``smooth``,
``smooth_hard_instance``, ``published_bounds``, and ``certificates``, which judges them by semidefinite programming.

Where it ends: ``cliff``, and what moves its edge, ``momentum_stability`` and ``warmup_stability``. How the best rate moves with
the number of steps: ``batch_size``.

What to do about it: ``grid_planning``, ``robust_schedule`` (the schedule with the smallest largest worst case, and why none
has a smaller one), ``refined_schedule`` (for gradient norms that vary), ``step_search`` (over all steps).

What a step does besides descending: ``backward_error`` (on ``rooted_trees``), ``gradient_corrections``, ``quadratic``,
``misprint`` (an equation of a note), ``implicit_euler``, ``gradient_flow``, and the penalties of optimizers: ``penalties``, of
which each has a file, and ``annealed_penalty``.

Everything public is listed in ``__init__.pyi`` and loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
