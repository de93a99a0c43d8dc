"""Which learning rates to try: one door to the grid that is measured and to the one that is proved."""

from typing import Literal, overload

from lrtheory.checks import checked_word
from lrtheory.planning.measured import MeasuredPlan, plan_measured
from lrtheory.schedules.schedule import Schedule
from lrtheory.theory.grid_planning import GridPlan, plan_convex

RISKS = ("measured", "convex")


@overload
def plan_grid(
    low: float,
    high: float,
    *,
    tolerance: float | None = None,
    trials: int | None = None,
    risk: Literal["measured"] = "measured",
) -> MeasuredPlan: ...
@overload
def plan_grid(
    low: float,
    high: float,
    *,
    tolerance: float | None = None,
    trials: int | None = None,
    risk: Literal["convex"],
    schedule: Schedule,
    horizon: int | None = None,
) -> GridPlan: ...
def plan_grid(
    low: float,
    high: float,
    *,
    tolerance: float | None = None,
    trials: int | None = None,
    risk: Literal["measured", "convex"] = "measured",
    schedule: Schedule | None = None,
    horizon: int | None = None,
) -> GridPlan | MeasuredPlan:
    r"""A geometric grid of base rates for a rate that is known to lie in a range.

    * ``risk="measured"``, for networks, which have a cliff above the best rate: points that are equally spaced in the
      logarithm. What is expected of them is *measured* on public grids, with no guarantee
      (:func:`lrtheory.planning.measured.plan_measured`). One run after the other, :func:`lrtheory.next_lr` needs about
      half the trials to a small regret.
    * ``risk="convex"``: the coarsest geometric grid that keeps a *proved* promise for every convex problem under a schedule
      (:func:`lrtheory.theory.grid_planning.plan_convex`). Its points lie high, as far as convex theory forgives high
      rates; on networks they need as many trials as equal spacing and lose more runs
      (:mod:`lrtheory.sweeps.measured_planning`).

    Args:
        low: Lower end of the range that holds the best base rate; positive.
        high: Upper end, above ``low``, at most 1e100 times it.
        tolerance: What may be lost. For measured risk the expected fraction of what training gains, in (0, 1); for convex risk
            the factor over the perfectly tuned worst case, above 1.
        trials: The number of trials, at most 40 for measured and 10,000 for convex risk. Exactly one of ``tolerance`` and
            ``trials`` must be given.
        risk: ``"measured"`` or ``"convex"``.
        schedule: The shape, for convex risk, which needs it: the measured curves are averages over schedules.
        horizon: For convex risk, the number of steps for which the promise holds; by default, the limit of long runs.

    Returns:
        The plan: its ``points`` are the rates to try.

    Raises:
        ValueError: a number outside of its range, both or neither of ``tolerance`` and ``trials``, a tolerance that asks
            for more trials than there may be, a shape without a law, or a schedule or horizon for measured risk.
        TypeError: ``schedule`` is not a :class:`Schedule` for convex risk.

    Example:
        Three runs of a network, whose rate is known to a factor of a thousand:

        >>> plan = plan_grid(1e-4, 1e-1, trials=3)
        >>> [float(f"{point:.2g}") for point in plan.points], plan.regret < 0.1
        ([0.00032, 0.0032, 0.032], True)

        A convex problem whose worst case may grow by one half:

        >>> from lrtheory import Constant, Cosine
        >>> plans = [plan_grid(1e-4, 1e-1, tolerance=1.5, risk="convex", schedule=s) for s in (Constant(), Cosine())]
        >>> [plan.trials for plan in plans]
        [4, 3]

    Source:
        Measured risk is described in :mod:`lrtheory.planning.measured`; convex risk is proved in
        :mod:`lrtheory.theory.grid_planning`.
    """
    if checked_word("risk", risk, RISKS) == "measured":
        if schedule is not None or horizon is not None:
            raise ValueError(
                "a plan for networks takes neither schedule nor horizon, for its curves are averages over both: leave them "
                "out, or give risk='convex' for the plan that is proved for convex problems."
            )
        return plan_measured(low, high, trials=trials, tolerance=tolerance)
    return plan_convex(low, high, schedule=schedule, tolerance=tolerance, trials=trials, horizon=horizon)  # pyright: ignore[reportArgumentType]
