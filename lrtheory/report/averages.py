"""What averages, momentum and adaptivity forgive, and how much of the bound the witnesses of the law lose."""

import math

import numpy as np
import pandas as pd

from lrtheory.report.tables import table
from lrtheory.report.values import Count, Facts, Interval, Listed, Name, PowerOfTen, Scientific, Table, Tex, tex
from lrtheory.schedules import WSD, Constant, Cosine, Polynomial, Robust
from lrtheory.statistics import fit_slope
from lrtheory.sweeps.averages import FITTED, Averages
from lrtheory.theory.any_average import average_bound
from lrtheory.theory.averaging_weights import tail_weights
from lrtheory.theory.heavy_ball_iterate import heavy_ball_bound, heavy_ball_lower_bound
from lrtheory.theory.last_iterate import tuned_lr, worst_case
from lrtheory.theory.law_attained import law_attainment
from lrtheory.theory.minimax_rate import minimax_lr
from lrtheory.theory.one_step import one_step_worst_case
from lrtheory.theory.smooth import smooth_worst_case
from lrtheory.theory.smooth_hard_instance import smooth_lower_bound

RULES = {
    "sgd": "SGD", "heavy_ball": "heavy ball", "schedule_free": "schedule-free", "dual_averaging": "dual averaging",
    "adagrad": "AdaGrad-norm",
}  # fmt: skip
OUTPUTS = {
    "last": "last", "uniform": "average", "last_third": "last third", "polynomial": "polynomial, $t^3$",
    "exponential": "exponential", "merged": "8 checkpoints",
}  # fmt: skip
SLACK = 0.01
"""What the witnesses of the law give away of the distance."""
UNCERTAINTY, PARTS, LENGTH = 16, (0.01, 0.03, 0.1, 0.3), 300
"""Over which uncertainty averages of annealed runs are compared, the windows, and the number of steps."""


def averages_part() -> Facts:
    """The table and what the text says of it."""
    frame = table("averages")
    long, short = frame[frame["simulated"].notna()], frame[frame["simulated"].isna()]
    keys = ["rule", "average", "schedule"]
    rows = []
    for key, group in long.groupby(keys, sort=False):
        rule, average, schedule = map(str, key)  # pyright: ignore[reportArgumentType]
        fitted, at = group[group["rho"].between(*FITTED)], group.set_index("rho")
        judged = short[(short[keys] == [rule, average, schedule]).all(axis=1)].set_index("rho")
        row = [RULES[rule], Tex(OUTPUTS[average]), Name(schedule)]
        row += [_number(at[column][1.0]) for column in ("lower", "upper")]
        row += [_number(at[column][16.0]) for column in ("lower", "upper", "simulated")]
        row += [_number(judged[column].get(4.0, math.nan)) for column in ("upper", "program")]
        row.append(f"{fit_slope(fitted['rho'], fitted['upper']).value:.2f}" if fitted["upper"].notna().all() else "")
        row.append(Interval(fit_slope(fitted["rho"], fitted["simulated"], fitted["standard_error"]), ".2f"))
        rows.append(row)
    header = tex(
        "rule",
        "output",
        "shape",
        r"$\ge$",
        r"$\le$",
        r"$\ge$",
        r"$\le$",
        "simulated",
        r"$\le$",
        "program",
        "bound",
        "simulated",
    )
    yield "paper/averages", Table(header, rows, "lllrrrrrrrrl")
    yield "averages/horizon", PowerOfTen(long["horizon"].iloc[0])
    yield "averages/from", f"{FITTED[0]:g}"
    yield "averages/to", f"{FITTED[1]:g}"
    yield "averages/certified", str(short["horizon"].iloc[0])
    yield "averages/replicas", Count(Averages().replicas)
    uniform = long[(long[keys] == ["sgd", "uniform", "Constant()"]).all(axis=1)]
    tuned = uniform[uniform["rho"].between(1, 16)]
    yield "averages/uniform", Scientific((tuned["upper"] / tuned["lower"] - 1).max(), up=True)
    judged = short[short["upper"].notna() & short["program"].notna()]
    ball = judged["rule"] == "heavy_ball"
    yield "heavy/excess", f"{100 * (judged[ball]['upper'] / judged[ball]['program'] - 1).max():.0f}"
    judged = judged[~ball]
    excess = judged["upper"] / judged["program"] - 1
    yield "averages/excess", f"{100 * excess.max():.0f}"
    yield "averages/median", f"{100 * max(excess.median(), 0):.1f}"
    yield "averages/below", Scientific(max(-excess.min(), 1e-9), up=True)


def heavy_ball_part() -> Facts:
    """How far apart the bounds of heavy ball are, at linear decay and its tuned rate."""
    for name, horizon in (("short", 1_000), ("long", 100_000)):
        steps = Polynomial(1).steps(horizon, tuned_lr(Polynomial(1), horizon, distance=1.0))
        gap = heavy_ball_bound(steps, distance=1.0) / heavy_ball_lower_bound(steps, distance=1.0) - 1
        yield f"heavy/{name}", PowerOfTen(horizon)
        yield f"heavy/gap/{name}", f"{100 * gap:.1f}"
    excess = heavy_ball_bound(steps, diameter=1.0) / worst_case(steps, diameter=1.0) - 1
    yield "heavy/domain", f"{100 * excess:.1f}"


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.2f}"


def pairs_part() -> Facts:
    """Annealing and averaging together: the largest loss over an uncertainty, one base rate at its best."""
    for name, schedule in (("robust", Robust(UNCERTAINTY)), ("constant", Constant())):
        own = minimax_lr(schedule, UNCERTAINTY, LENGTH).loss
        found = [_minimax_average(schedule, part) for part in PARTS]
        yield f"pairs/{name}/last", f"{own:.2f}"
        yield f"pairs/{name}/averaged", f"{min(found):.2f}"
    yield "pairs/uncertainty", f"{UNCERTAINTY}"
    yield "pairs/steps", Count(LENGTH)
    yield "pairs/windows", Listed.of(f"{100 * part:g}" for part in PARTS)


def _minimax_average(schedule, part: float) -> float:
    """The largest bound of a tail average over the uncertainty, at the base rate where that is least."""
    from scipy import optimize

    shape, weights = schedule.steps(LENGTH) / math.sqrt(LENGTH), tail_weights(LENGTH, part)
    rhos = np.geomspace(1, UNCERTAINTY, 9)

    def worst(log: float) -> float:
        return max(average_bound(shape * math.exp(log) * rho, weights, diameter=1.0) for rho in rhos)

    found = optimize.minimize_scalar(worst, bounds=(-4, 2), method="bounded", options={"xatol": 1e-2})
    return float(found.fun) * math.sqrt(LENGTH)  # pyright: ignore[reportAttributeAccessIssue]


def attained_part() -> Facts:
    """How much of their bounds the witnesses lose."""
    rows = []
    horizons = (100, 1_000, 10_000)
    shares = []
    for schedule in (Polynomial(1), Polynomial(2), Cosine(), WSD(0.2)):
        for rho in (4, 16):
            found = [law_attainment(schedule, rho, horizon, slack=SLACK).share for horizon in horizons]
            rows.append([Name(schedule.name), str(rho), *(f"{share:.4f}" for share in found)])
            shares.append(found[-1])
    yield (
        "paper/attained",
        Table(tex("", r"$\rho$", *(rf"$T={horizon:,}$".replace(",", r"\,") for horizon in horizons)), rows, "lrrrr"),
    )
    yield "attained/slack", f"{SLACK:g}"
    yield "attained/longest", PowerOfTen(horizons[-1])
    yield "attained/least", f"{math.floor(min(shares) * 1000) / 1000:.3f}"
    steps = np.linspace(0.7, 1, 2001)
    excess = max(
        worst_case([step], diameter=1.0) / one_step_worst_case(float(step), diameter=1.0) - 1 for step in steps
    )
    yield "onestep/excess", f"{100 * excess:.1f}"
    at = 0.8
    yield "onestep/step", f"{at:g}"
    yield "onestep/exact", f"{one_step_worst_case(at, diameter=1.0):.3f}"
    yield "onestep/restarts", f"{worst_case([at], diameter=1.0):.3f}"
    horizon = 100_000
    ratios = [
        smooth_worst_case(steps, diameter=1.0) / smooth_lower_bound(steps, diameter=1.0)
        for steps in (Polynomial(degree).steps(horizon, 16.0) for degree in (1, 2, 3))
    ]
    yield "smooth/ratios", Listed.of(f"{ratio:.2f}" for ratio in ratios)
    yield "smooth/horizon", PowerOfTen(horizon)
