"""What a configuration is checked for before any work is done; each check is one sentence where it fails."""

from collections.abc import Sequence
from typing import Any

from lrtheory.checks import checked_horizon, is_number
from lrtheory.schedules import WSD, Constant, Cosine, InverseSqrt, Polynomial, Robust
from lrtheory.schedules.schedule import checked_schedule
from lrtheory.theory.misspecification import degradation

LONGEST_HORIZON = 10**9
"""The longest horizon: a sweep holds several numbers for each step, which take 8 GB each at this length."""
KNOWN = {Constant(), InverseSqrt(), Polynomial(1), Polynomial(2), Polynomial(3), Cosine(), WSD(0.2), Robust(16)}
"""Schedules that are known to have a law."""
SMALLEST_RHO, LARGEST_RHO = 1e-12, 1e12
"""Beyond these a loss is that of a rate of zero or of infinity, to the last digit."""


def check_unique(name: str, values: Sequence[Any]) -> None:
    """Refuse an empty sequence, and one that holds a value twice, for its rows could not be told apart.

    Raises:
        ValueError: as said.

    Example:
        >>> check_unique("rhos", (1.0, 2.0, 1.0))
        Traceback (most recent call last):
        ValueError: rhos must differ from one another: 1.0 is given more than once.
    """
    if not values:
        raise ValueError(f"{name} must hold at least one value.")
    for place, value in enumerate(values):
        if value in values[:place]:
            raise ValueError(f"{name} must differ from one another: {value} is given more than once.")


def check_replicas(replicas: Any) -> None:
    """Refuse a number of replicas that gives no standard error, or that the simulator cannot count.

    Raises:
        ValueError: it is no whole number from 2 to ``2**63 - 1``.
    """
    _check_whole("replicas", replicas, 2, 2**63 - 1)


def check_seed(seed: Any) -> None:
    """Refuse a seed that is out of the simulator's range.

    Raises:
        ValueError: it is no whole number from 0 to ``2**64 - 1``.
    """
    _check_whole("seed", seed, 0, 2**64 - 1)


def _check_whole(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")


def check_rhos(rhos: Sequence[Any]) -> None:
    """Refuse misspecifications that are out of range or given twice.

    Raises:
        ValueError: as said.
    """
    for rho in rhos:
        if not (is_number(rho) and SMALLEST_RHO <= rho <= LARGEST_RHO):
            raise ValueError(f"rhos must lie from {SMALLEST_RHO:g} to {LARGEST_RHO:g}; one is {rho!r}.")
    check_unique("rhos", rhos)


def check_horizon(horizon: Any) -> None:
    """Refuse a horizon that leaves nothing to fit or does not fit in memory.

    Raises:
        ValueError: it is no whole number from 2 to :data:`LONGEST_HORIZON`.
    """
    if not 2 <= checked_horizon(horizon) <= LONGEST_HORIZON:
        raise ValueError(f"horizon must be from 2 to {LONGEST_HORIZON} steps, not {horizon}.")


def check_schedules(schedules: Sequence[Any]) -> None:
    """Refuse what is no schedule, is given twice, or has no law.

    Raises:
        TypeError: one is no schedule.
        ValueError: as said.
    """
    for schedule in schedules:
        checked_schedule("a schedule of the sweep", schedule)
    check_unique("schedules", schedules)
    for schedule in schedules:
        if schedule in KNOWN:  # so that no sweep is slow to import
            continue
        try:
            degradation(schedule, 2.0)
        except ValueError as error:
            raise ValueError(f"the law of {schedule} cannot be computed: {error}") from None
