"""What a configuration is checked for before any work is done; each check is one sentence where it fails."""

from collections.abc import Iterable, Sequence
from typing import Any

from lrtheory.schedules import parse
from lrtheory.schedules.schedule import checked_horizon, is_number

LONGEST_HORIZON = 10**9
"""A sweep holds several numbers for each step: 8 GB each at this length."""
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
    """Refuse a seed that the simulator does not have.

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


def schedules_with_a_law(names: Iterable[str]) -> tuple[str, ...]:
    """The names as schedules print themselves.

    Raises:
        ValueError: a name is no schedule, a schedule is given twice, or its law cannot be computed.
    """
    from lrtheory.sweeps.misspecified import SCHEDULES
    from lrtheory.theory.misspecification import degradation

    schedules = [parse(name) for name in names]
    check_unique("schedules", [schedule.name for schedule in schedules])
    for schedule in schedules:
        if schedule.name not in SCHEDULES:  # the default ones have a law, and need not wait for it here
            try:
                degradation(schedule, 2.0)
            except Exception as error:  # whatever a formula leads to
                reason = str(error).partition("\n")[0] or type(error).__name__
                raise ValueError(f"the law of {schedule.name} cannot be computed: {reason}") from None
    return tuple(schedule.name for schedule in schedules)
