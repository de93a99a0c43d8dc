r"""How coarse a grid of learning rates may be, and where its points should lie.

**Setting.** The tuned rate :math:`\eta^\star` of a schedule is known to lie in ``[low, high]``, and no better. Rates
:math:`x_1<\dots<x_n` are tried and the best run is kept. What is lost is :math:`\phi(x_j/\eta^\star)`, with

.. math:: \phi(\rho)=\frac{W(\rho\,\eta^\star)}{W(\eta^\star)}=\min_k\Big[\frac{a_k}{\rho}+b_k\rho\Big],

a minimum over restarts ``k``: the law of :mod:`lrtheory.theory.misspecification`, or the worst case of
:mod:`lrtheory.theory.last_iterate` at a given horizon (there :math:`\phi` is at most this: the trivial bound :math:`GD` and
rates too small to matter are left out, so a plan keeps its promise but need not be the coarsest where the tolerance is
above :math:`GD` over the tuned loss).

**Statement.** A restart loses at most a factor :math:`t` exactly for
:math:`\rho\in\big[\tfrac{2a_k}{t+\sqrt{t^2-4a_kb_k}},\tfrac{t+\sqrt{t^2-4a_kb_k}}{2b_k}\big]`. Let
:math:`[\alpha,\beta]` be the widest connected part of the union of these intervals (around :math:`\rho=1` under every
schedule whose loss rises on both sides). The geometric grid of ratio :math:`\beta/\alpha` that starts at
:math:`\beta\cdot\mathrm{low}` keeps :math:`\phi\le t` for every :math:`\eta^\star`: :math:`x_j` serves the tuned rates in
:math:`[x_j/\beta,x_j/\alpha]`, and neighbours meet.

* *Fewest trials, connected.* Where the union is connected, no set of fewer points keeps the promise, evenly spaced or
  not: ``n`` points serve ``n`` intervals, which cover a range of ratio :math:`(\beta/\alpha)^n` at most.
* *Fewest trials, not connected.* In logarithms the points serve translates of one union of intervals, and what one leaves
  open another may serve. Among geometric grids the fewest points are found exactly, over all ratios and all places, by
  :mod:`lrtheory.theory.even_covering`: under ``Robust(16)``, which loses at most 1.028 for ``rho`` from 0.79 to 1.53 and
  from 8.2 to 12.5, six points of ratio 1.52 serve a range of 128, for which the widest part alone needs eight. Points that are
  not evenly spaced may do with fewer still, though never with fewer than the range over the length of all parts.

* *Err high.* :math:`\alpha=t-\sqrt{t^2-1}` if the tuned restart is the first step, as for every annealing schedule of the
  registry, but :math:`\beta\sim(t/C)^{2p+1}` after annealing: the points lie :math:`\sqrt{\alpha\beta}>1` above the
  middles of the intervals that they serve.
* Without annealing :math:`\beta=1/\alpha`: the grid is centred and its ratio is :math:`(t+\sqrt{t^2-1})^2`.

**Status.** *Proved* from the bounds quoted above: a planned grid's loss is at most the stated factor times the tuned
worst case, on every convex problem. That the factor is needed is *verified* as far as those bounds are attained.

**Source.** Derived here.
"""

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lrtheory.checks import checked_horizon, checked_positive, is_count, is_number
from lrtheory.schedules import Constant, Polynomial
from lrtheory.schedules.schedule import Schedule, checked_schedule
from lrtheory.theory.misspecification import LARGEST
from lrtheory.theory.restart_curve import restart_curve, widest
from lrtheory.theory.theorem import Evidence, Theorem

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_TRIALS = 10_000
"""A plan has no more points: beyond lie tolerances next to 1, which nobody can afford."""
MOST_STEPS = 10**7
"""The worst case of a longer run takes minutes and gigabytes, and no longer differs from the limit of long runs."""
_LISTED = 12


@dataclass(frozen=True)
class GridPlan:
    r"""A geometric grid of base rates and what it promises.

    Args:
        schedule: The shape that every trial runs.
        low: Lower end of the range that holds the tuned rate.
        high: Upper end.
        horizon: Number of steps of the worst case; none for the limit of long runs.
        tolerance: The factor that was allowed; none where the number of trials was given.
        widest_ratio: The ratio of the ends of the widest connected set of rates that a trial serves within the tolerance.
        ratio: The ratio of neighbouring points: the range divided evenly, so at most ``widest_ratio``, or where several sets that
            a trial serves are combined, the ratio at which they fit together.
        points: The base rates to try, ascending.
        factor: The guarantee: the best trial's worst case is at most this times the tuned one.
        typical: The mean of what is lost, the logarithm of the tuned rate being uniform on the range.
        tuned_loss: The tuned worst case in units of :math:`DG/\sqrt T`; infinite in the limit without annealing.
    """

    schedule: Schedule
    low: float
    high: float
    horizon: int | None
    tolerance: float | None
    widest_ratio: float
    ratio: float
    points: tuple[float, ...]
    factor: float
    typical: float
    tuned_loss: float

    def __str__(self) -> str:
        setting = "in the limit of long runs" if self.horizon is None else f"for {self.horizon:,} steps"
        tuned = f" ({self.tuned_loss:.3f} DG/sqrt(T))" if self.tuned_loss < math.inf else ""
        shown = [f"{point:.3g}" for point in self.points]
        if self.trials > _LISTED:
            shown = [*shown[:3], f"... ({self.trials} rates, each {self.ratio:.6g} times the one before)", shown[-1]]
        lines = [
            f"{self.schedule}: try {', '.join(shown)}.",
            f"Tuned rate in [{self.low:g}, {self.high:g}], {setting}: the best trial's worst case is at most"
            f" {self.factor:.3f} times this schedule's own tuned one{tuned}, typically {self.typical:.3f}.",
        ]
        if self.upward_shift > 1.005:
            lines.append(
                f"The rates lie {self.upward_shift:.2f} times above those of equal spacing, for convex theory forgives high "
                "rates; networks have a cliff there (lrtheory sweep wrong_rates)."
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html_of(str(self), self.to_frame())

    def to_frame(self) -> "pd.DataFrame":
        """One row for each trial: its ``schedule`` and its base rate ``lr``."""
        import pandas as pd

        return pd.DataFrame({"schedule": str(self.schedule), "lr": self.points})

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw what the best trial loses against the unknown tuned rate, each trial as a dot, the promise as a line.

        Args:
            ax: The axes to draw on; new ones by default.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots()[1]
        rates = np.geomspace(self.low, self.high, 400)
        (line,) = ax.plot(rates, self.lost(rates), label=str(self.schedule))
        ax.plot(self.points, np.ones(self.trials), "o", color=line.get_color(), label="trials")
        ax.axhline(self.factor, color="0.5", linestyle="--", label=f"at most {self.factor:.3f}")
        ax.set(xlabel="tuned rate, unknown", ylabel="worst case over the tuned one", xscale="log")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
        return ax

    @property
    def trials(self) -> int:
        """The number of points."""
        return len(self.points)

    @property
    def upward_shift(self) -> float:
        """By which factor the points lie above those of equal spacing: their geometric mean over that of the range."""
        return math.sqrt(self.points[0] / self.low * (self.points[-1] / self.high))

    def lost(self, tuned_rate: Any) -> np.ndarray:
        """The factor that the best trial loses where the tuned rate is this; at most ``factor`` on the range.

        Args:
            tuned_rate: Positive, any shape.

        Raises:
            ValueError: a rate is not positive and finite.

        Example:
            >>> from lrtheory import Constant
            >>> plan_convex(0.5, 2, schedule=Constant(), trials=1).lost([0.5, 1, 2]).round(6)
            array([1.25, 1.  , 1.25])
        """
        tuned_rate = np.asarray(tuned_rate, dtype=np.float64)
        if not (np.isfinite(tuned_rate).all() and (tuned_rate > 0).all()):
            raise ValueError("tuned_rate must be positive and finite.")
        curve = restart_curve(self.schedule, self.horizon)
        best = [min(curve.factor(point / rate) for point in self.points) for rate in tuned_rate.ravel()]
        return np.array(best).reshape(tuned_rate.shape)


def plan_convex(
    low: float,
    high: float,
    *,
    schedule: Schedule,
    tolerance: float | None = None,
    trials: int | None = None,
    horizon: int | None = None,
) -> GridPlan:
    r"""A geometric grid of base rates that loses at most a given factor, or the best such grid of a given size.

    No geometric grid of fewer points keeps the promise. Where a point loses at most the factor on a connected set of rates,
    as under every schedule whose loss rises on both sides of the tuned rate, no other set of fewer points does either:
    see the module.

    Args:
        low: Lower end of the range that holds the schedule's tuned base rate; positive.
        high: Upper end, above ``low``, at most 1e100 times it.
        schedule: The shape.
        tolerance: The factor over the perfectly tuned worst case that may be lost, above 1 and at most 1e100.
        trials: The number of trials, at most 10,000. Exactly one of ``tolerance`` and ``trials`` must be given.
        horizon: Promise for the worst case of this many steps, at most 10,000,000, instead of the limit of long runs.

    Returns:
        The plan, with the guaranteed and the typical factor.

    Raises:
        ValueError: a number outside of its range, both or neither of ``tolerance`` and ``trials``, a tolerance that asks
            for more than 10,000 trials, or a shape without a law (:mod:`lrtheory.theory.misspecification`).
        TypeError: ``schedule`` is not a :class:`Schedule`.

    Example:
        A rate known to a factor of a thousand, and a worst case that may grow by one half:

        >>> from lrtheory import Constant, Cosine
        >>> [plan_convex(1e-4, 1e-1, schedule=s, tolerance=1.5).trials for s in (Constant(), Cosine())]
        [4, 3]
        >>> plan = plan_convex(1e-4, 1e-1, schedule=Cosine(), trials=3)
        >>> [float(f"{point:.2g}") for point in plan.points], round(plan.factor, 2), round(plan.upward_shift, 2)
        ([0.00041, 0.0041, 0.041], 1.43, 1.29)

    Source:
        Proved here: see the module.
    """
    low, high = checked_range(low, high)
    checked_schedule("schedule", schedule)
    if (tolerance is None) == (trials is None):
        raise ValueError("give exactly one of tolerance (a factor of loss) and trials (a number of trials).")
    if tolerance is not None and not (is_number(tolerance) and 1 < tolerance <= LARGEST):
        raise ValueError(f"tolerance must be a factor above 1 and at most {LARGEST:g}, not {tolerance!r}.")
    if trials is not None and (not is_count(trials) or trials < 1):
        raise ValueError(f"trials must be a whole number of at least 1, not {trials!r}.")
    if trials is not None and trials > MOST_TRIALS:
        raise ValueError(f"trials must be at most {MOST_TRIALS:,}, not {trials:,}.")
    if horizon is not None and checked_horizon(horizon) > MOST_STEPS:
        raise ValueError(
            f"horizon must be at most {MOST_STEPS:,} steps, not {horizon:,}; longer runs are in the limit: leave it out."
        )
    curve, ends = restart_curve(schedule, None if horizon is None else int(horizon)), high / low
    if tolerance is not None:
        below, above = widest(curve.served(float(tolerance)))
        widest_ratio = above / below
        needed = math.log(ends) * (1 - 1e-12) / max(math.log(widest_ratio), 1e-300)
        if needed > MOST_TRIALS:
            raise ValueError(
                f"{schedule} needs more than {MOST_TRIALS:,} trials for the tolerance {tolerance!r} on this range: allow more."
            )
        count = curve.fewest(float(tolerance), ends, max(math.ceil(needed), 1))
    else:
        count = int(trials or 1)
        widest_ratio = ends ** (1 / count)
    factor, even = curve.level(ends, count), ends ** (1 / count)
    ratio, first = curve.placed(factor, ends, count) or (even, widest(curve.served(factor))[1])
    points = tuple(float(low * first * ratio**j) for j in range(count))
    if ratio == even:  # every part of the range has its own point
        lost = [curve.factor(first * ratio ** ((i + 0.5) / 64 - 1)) for i in range(64)]
    else:
        rates = low * ends ** ((np.arange(256) + 0.5) / 256)
        lost = [min(curve.factor(point / rate) for point in points) for rate in rates]
    return GridPlan(
        schedule, low, high, horizon, tolerance, widest_ratio, ratio, points, factor, float(np.mean(lost)), curve.tuned_loss
    )  # fmt: skip


def compare_plans(plan: GridPlan) -> list[GridPlan]:
    """A plan beside those of the constant and the linear schedule for the same request.

    Args:
        plan: The plan.

    Returns:
        The plans of the schedule, of ``Polynomial(1)`` and of ``Constant()``, each once, for the same tolerance or,
        where it has none, the same number of trials.

    Example:
        >>> from lrtheory import Polynomial
        >>> plan = plan_convex(1e-4, 1e-1, schedule=Polynomial(3), tolerance=2.5)
        >>> [(str(each.schedule), each.trials) for each in compare_plans(plan)]
        [('Polynomial(3)', 1), ('Polynomial(1)', 2), ('Constant()', 3)]
    """
    others = [schedule for schedule in (Polynomial(1), Constant()) if schedule != plan.schedule]
    trials = plan.trials if plan.tolerance is None else None
    return [
        plan,
        *(
            plan_convex(
                plan.low, plan.high, schedule=schedule, tolerance=plan.tolerance, trials=trials, horizon=plan.horizon
            )
            for schedule in others
        ),
    ]


def html_of(text: str, table: "pd.DataFrame") -> str:
    """Sentences and a table as a notebook shows them."""
    lines = "<br>".join(html.escape(line) for line in text.splitlines())
    return f"<p>{lines}</p>{table.to_html(index=False)}"


def checked_range(low: Any, high: Any) -> tuple[float, float]:
    """A range of rates as floats, or one sentence saying what it must be."""
    low, high = checked_positive("low", low), checked_positive("high", high)
    if not low < high:
        raise ValueError(f"low must be below high, not {low:g} and {high:g}.")
    if not high / low <= LARGEST:
        raise ValueError(f"high must be at most {LARGEST:g} times low, not {low:g} and {high:g}.")
    return low, high


def witness() -> Evidence:
    """The most that a plan loses on its range: its factor, next to where two points meet (the ends of 10,001 rates)."""
    plan = plan_convex(1e-4, 1e-1, schedule=Polynomial(1), tolerance=1.5)
    return Evidence(float(plan.lost(np.geomspace(plan.low, plan.high, 10_001)).max()), plan.factor, 1e-3)


THEOREM = Theorem(
    name="grid_planning",
    statement="A planned grid keeps its promise",
    status="proved",
    source="Derived here",
    module=__name__,
    attained="at the ends of the intervals that its points serve; verified on the worst case over drawn ranges",
    labels=("prop:grid",),
    witness=witness,
)
