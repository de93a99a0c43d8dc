"""How the tasks are trained.

``ensemble``: hundreds of runs of one small network at once. It belongs to the laboratory: it trains the tasks of
:mod:`lrtheory.tasks`, and nothing in the library needs it.
"""
