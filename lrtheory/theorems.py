"""Every theorem of the package as a record, in the order of the table "What is known, and how"."""

from lrtheory.forecast import equivalent_rate, extension, linear_decay, misspecified, running_noise
from lrtheory.theory import (
    adam_penalty,
    adaptive,
    any_average,
    averaged,
    cliff,
    equation_seven,
    fixed_step_lower_bound,
    gradient_corrections,
    gradient_flow,
    grid_planning,
    implicit_euler,
    implicit_penalty,
    law_attained,
    law_derivation,
    minibatch_penalty,
    modified_equation,
    momentum_edge,
    momentum_penalty,
    one_step,
    optimal_schedule,
    published_bound,
    quadratic,
    robust_schedule,
    schedule_penalty,
    smooth,
    smooth_lower_bound,
    step_search,
    warmup_edge,
    worst_case,
    worst_function,
)
from lrtheory.theory.theorem import STATUSES, Evidence, Theorem

THEOREMS: dict[str, Theorem] = {
    module.THEOREM.name: module.THEOREM
    for module in (
        worst_case, worst_function, law_attained, law_derivation, one_step, fixed_step_lower_bound, any_average, averaged,
        adaptive, smooth, smooth_lower_bound, cliff,
        momentum_edge, warmup_edge, published_bound, robust_schedule, optimal_schedule, step_search, grid_planning,
        modified_equation, implicit_penalty, gradient_corrections, quadratic, momentum_penalty,
        minibatch_penalty, adam_penalty, schedule_penalty, equation_seven, implicit_euler, gradient_flow,
        running_noise, linear_decay, misspecified,
        extension, equivalent_rate,
    )
}  # fmt: skip
"""The theorems by name; :func:`register` adds one of your own."""


def register(theorem: Theorem) -> Theorem:
    """Add a theorem: every table of theorems then shows it, and every check of them runs it.

    Raises:
        ValueError: another theorem has its name.
    """
    if THEOREMS.get(theorem.name, theorem) != theorem:
        raise ValueError(f"there is a theorem {theorem.name!r} already.")
    THEOREMS[theorem.name] = theorem
    return theorem


__all__ = ["STATUSES", "THEOREMS", "Evidence", "Theorem", "register"]
