"""Which learning rates to try: one door to the grid that is proved and to the one that is measured."""

from typing import Literal, overload

from lrtheory.checks import checked_word
from lrtheory.planning.measured import MeasuredPlan, plan_measured
from lrtheory.schedules.schedule import Schedule
from lrtheory.theory.grid_planning import GridPlan, plan_convex

RISKS = ("convex", "measured")


@overload
def plan_grid(
    low: float,
    high: float,
    *,
    schedule: Schedule,
    tolerance: float | None = None,
    trials: int | None = None,
    horizon: int | None = None,
    risk: Literal["convex"] = "convex",
) -> GridPlan: ...
@overload
def plan_grid(
    low: float,
    high: float,
    *,
    tolerance: float | None = None,
    trials: int | None = None,
    risk: Literal["measured"],
) -> MeasuredPlan: ...
def plan_grid(
    low: float,
    high: float,
    *,
    schedule: Schedule | None = None,
    tolerance: float | None = None,
    trials: int | None = None,
    horizon: int | None = None,
    risk: Literal["convex", "measured"] = "convex",
) -> GridPlan | MeasuredPlan:
    r"""A geometric grid of base rates for a rate that is known to lie in a range.

    * ``risk="convex"``: the coarsest grid that keeps a *proved* promise for every convex problem
      (:mod:`lrtheory.theory.grid_planning`). Its points lie high, as far as convex theory forgives high rates.
    * ``risk="measured"``: for networks, which have a cliff above the best rate. Points are equally spaced in the logarithm;
      what is expected of them is *measured* on public grids (:mod:`lrtheory.planning.measured`), with no guarantee. One run
      after the other :func:`lrtheory.next_lr` needs fewer.

    Args:
        low: Lower end of the range that holds the best base rate; positive.
        high: Upper end, above ``low``, at most 1e100 times it.
        schedule: The shape, for convex risk alone: the measured curves are averages over schedules.
        tolerance: What may be lost. For convex risk the factor over the perfectly tuned worst case, above 1; for measured risk
            the expected fraction of what training gains, in (0, 1).
        trials: The number of trials, at most 10,000 for convex and 40 for measured risk. Exactly one of ``tolerance`` and
            ``trials`` must be given.
        horizon: For convex risk, the number of steps for which the promise holds; by default, the limit of long runs.
        risk: ``"convex"`` or ``"measured"``.

    Returns:
        The plan: its ``points`` are the rates to try.

    Raises:
        ValueError: a number outside of its range, both or neither of ``tolerance`` and ``trials``, a tolerance that asks
            for more trials than there may be, a shape without a law, or a schedule or horizon for measured risk.
        TypeError: ``schedule`` is not a :class:`Schedule`.

    Example:
        A rate known to a factor of a thousand, and a worst case that may grow by one half:

        >>> from lrtheory import Constant, Cosine
        >>> [plan_grid(1e-4, 1e-1, schedule=s, tolerance=1.5).trials for s in (Constant(), Cosine())]
        [4, 3]

        Three runs of a network:

        >>> plan = plan_grid(1e-4, 1e-1, trials=3, risk="measured")
        >>> [float(f"{point:.2g}") for point in plan.points], round(plan.regret, 2)
        ([0.00032, 0.0032, 0.032], 0.06)

    Source:
        Convex risk is proved in :mod:`lrtheory.theory.grid_planning`; measured risk is described in
        :mod:`lrtheory.planning.measured`.
    """
    if checked_word("risk", risk, RISKS) == "measured":
        if schedule is not None or horizon is not None:
            raise ValueError(
                "a plan of measured risk takes neither schedule nor horizon: its curves are averages over both."
            )
        return plan_measured(low, high, trials=trials, tolerance=tolerance)
    return plan_convex(low, high, schedule=schedule, tolerance=tolerance, trials=trials, horizon=horizon)  # pyright: ignore[reportArgumentType]
