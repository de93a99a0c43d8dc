"""Every theorem of the package as a record, in the order of the table "What is known, and how"."""

from lrtheory.forecast import equivalent_rate, extension, linear_decay, misspecified, running_noise
from lrtheory.theory import (
    adam_penalty,
    adaptive,
    annealed_penalty,
    any_average,
    averaged,
    backward_error,
    batch_size,
    cliff,
    fixed_steps,
    gradient_corrections,
    gradient_descent_penalty,
    gradient_flow,
    grid_planning,
    hard_instance,
    heavy_ball,
    implicit_euler,
    last_iterate,
    law_attained,
    law_derivation,
    minibatch_penalty,
    misprint,
    mixed_restarts,
    momentum_penalty,
    momentum_stability,
    one_step,
    published_bounds,
    quadratic,
    refined_schedule,
    robust_schedule,
    smooth,
    smooth_hard_instance,
    step_search,
    warmup_stability,
)
from lrtheory.theory.theorem import STATUSES, Evidence, Theorem

THEOREMS: dict[str, Theorem] = {
    module.THEOREM.name: module.THEOREM
    for module in (
        last_iterate, hard_instance, law_attained, law_derivation, one_step, mixed_restarts, fixed_steps, any_average, averaged,
        heavy_ball, adaptive, smooth, smooth_hard_instance, cliff,
        momentum_stability, warmup_stability, batch_size, published_bounds, robust_schedule, refined_schedule,
        step_search, grid_planning,
        backward_error, gradient_descent_penalty, gradient_corrections, quadratic, momentum_penalty,
        minibatch_penalty, adam_penalty, annealed_penalty, misprint, implicit_euler, gradient_flow,
        running_noise, linear_decay, misspecified, extension, equivalent_rate,
    )
}  # fmt: skip
"""The theorems by name; :func:`register` adds one of your own."""


def register(theorem: Theorem) -> Theorem:
    """Add a theorem: every table of theorems then shows it, and every check of them runs it.

    Raises:
        ValueError: another theorem has its name.

    Example:
        >>> register(THEOREMS["implicit_penalty"]).status  # it is there already
        'proved'
    """
    if THEOREMS.get(theorem.name, theorem) != theorem:
        raise ValueError(f"there is a theorem {theorem.name!r} already.")
    THEOREMS[theorem.name] = theorem
    return theorem


__all__ = ["STATUSES", "THEOREMS", "Evidence", "Theorem", "register"]
