"""What the theorems say in numbers."""

import math

import numpy as np
import pandas as pd
import sympy

from lrtheory.report.tables import table
from lrtheory.report.tex import NAMES
from lrtheory.report.values import (
    Count,
    Facts,
    Interval,
    Listed,
    Name,
    PowerOfTen,
    Scientific,
    Table,
    Tex,
    Text,
    Value,
    tex,
)
from lrtheory.schedules import REGISTRY, Constant, Cosine, Polynomial, Robust, parse
from lrtheory.schedules.robust import robust_pieces
from lrtheory.statistics import fit_slope
from lrtheory.sweeps import Degree, Grid, Rho
from lrtheory.sweeps.rho import FITTED
from lrtheory.theory.grid_planning import plan_convex
from lrtheory.theory.last_iterate import tuned_lr, worst_case
from lrtheory.theory.law_derivation import polynomial_law
from lrtheory.theory.minimax_rate import minimax_lr
from lrtheory.theory.misspecification import law, rho_exponent
from lrtheory.theory.published_bounds import published_bound
from lrtheory.theory.robust_schedule import lower_bound, robust_loss
from lrtheory.theory.smooth import noiseless_law
from lrtheory.theory.step_search import optimised_steps


def tightness_part() -> Facts:
    """The worst case beside semidefinite programs."""
    frame = table("tightness")
    judged = frame[frame["program"].notna()]
    excess = (judged["exact"] / judged["program"] - 1).abs().groupby(judged["length"]).max()
    (programs,) = set(judged["length"].value_counts())  # as many for either length
    yield "tightness/programs", str(programs)
    yield "tightness/steps", Listed.of(map(str, judged["horizon"].unique()))
    yield "tightness/schedules", str(judged["schedule"].nunique())
    yield "tightness/rho", f"{judged['rho'].max():.0f}"
    yield "tightness/distance", Scientific(excess["distance"], up=True)
    yield "tightness/diameter", f"{100 * excess['diameter']:.1f}"
    accuracy = (judged["accuracy"] / judged["program"]).groupby(judged["length"]).max()
    yield "tightness/accuracy", Scientific(accuracy["diameter"], up=True)


def law_part() -> Facts:
    """The worst case, the law and its constants."""
    derived = polynomial_law()
    for name in ("tuned_lr", "tuned_loss", "restart", "threshold", "constant"):
        yield f"law/{name}", Tex(sympy.latex(derived[name]))
    smooth = noiseless_law()
    yield "smooth/loss", Tex(sympy.latex(smooth["loss"]))

    shown = [s for s in REGISTRY if s.name in NAMES and s.degree > 0]
    rows = []
    for schedule in shown:
        found = law(schedule)
        numbers = (found.tuned_lr, found.tuned_loss, found.threshold, found.constant)
        rows.append(
            [Name(schedule.name), Tex(f"${found.degree}$"), Tex(f"${found.exponent}$"), *map("{:.4f}".format, numbers)]
        )
    header = tex("schedule", "$p$", r"$\frac1{2p+1}$", r"$\lambda^\star$", r"$V(\lambda^\star)$", "threshold", "$C$")
    yield "paper/law", Table(header, rows, "lccrrrr")

    steps = 1_000
    linear = Polynomial(1).steps(steps, tuned_lr(Polynomial(1), steps, distance=1.0))
    ratio = published_bound(linear, distance=1.0).total / worst_case(linear, distance=1.0)
    yield "published/ratio", f"{ratio:.2f}"
    yield "published/steps", Count(steps)

    frame = table("rho")
    annealed = frame[(frame["degree"] > 0) & (frame["rho"] >= 1)]
    yield "rho/agreement", Scientific((annealed["worst_case_factor"] / annealed["law"] - 1).abs().max(), up=True)
    yield "rho/horizon", PowerOfTen(frame["horizon"].iloc[0])
    yield "rho/smallest", f"{FITTED[0]:g}"
    yield "rho/largest", f"{frame['rho'].max():g}"
    rows = []
    for name, group in frame.groupby("schedule", sort=False):
        fitted, factors = group[group["rho"].between(*FITTED)], group.set_index("rho")["worst_case_factor"]
        limit, exact = (fit_slope(fitted["rho"], fitted[layer]) for layer in ("law", "worst_case"))
        simulated = fit_slope(fitted["rho"], fitted["simulated"], fitted["standard_error"])
        rows.append([Name(str(name)), Tex(f"${rho_exponent(parse(str(name)))}$"), f"{limit.value:.3f}"])
        rows[-1] += [Interval(exact, ".3f"), Interval(simulated, ".3f"), *(f"{factors[at]:.2f}" for at in (4, 16, 256))]
    header = tex("", r"$\frac1{2p+1}$", "law", "worst case", "simulated", r"$\rho=4$", "16", "256")
    yield "paper/rho", Table(header, rows, "lcrllrrr")

    yield "readme/rho", _summary(Rho.summary(frame))

    lengths = table("horizon")
    constant = lengths[lengths["schedule"] == "Constant()"]
    yield "horizon/constant", Listed.of(f"{slope:.2f}" for slope in constant["rho_exponent"])
    yield "horizon/lengths", Listed.of(PowerOfTen(length) for length in constant["horizon"])
    yield "horizon/averaged", f"{constant['averaged_rho_exponent'].iloc[-1]:.3f}"
    degrees = table("degree")
    exact = degrees[degrees["layer"] == "worst_case"]
    steep = exact[exact["degree"] >= 1]
    yield "degree/miss", Scientific((steep["exponent"] - steep["predicted"]).abs().max(), up=True)
    yield "degree/count", str(len(Degree.summary(degrees)))
    simulated = degrees[degrees["layer"] == "simulated"]
    inside = simulated["predicted"].between(simulated["low"], simulated["high"])
    yield "degree/inside", f"{inside.sum()} of {len(inside)}"


def _summary(frame: pd.DataFrame) -> Table:
    """What a sweep prints, as a table."""
    return Table(list(frame.columns), frame.to_numpy().tolist())


def robust_part() -> Facts:
    """The schedule that forgives most."""
    length, degrees = 2_000, np.arange(1.0, 10.5, 0.5)
    rows, worst = [], 0.0
    for uncertainty in (4, 16, 64, 256, 4096):
        least, own = lower_bound(uncertainty), minimax_lr(Robust(uncertainty), uncertainty, length).loss
        worst = max(worst, abs(own / least - 1))
        linear, cosine = (minimax_lr(schedule, uncertainty, length).loss for schedule in (Polynomial(1), Cosine()))
        best, best_degree = min((minimax_lr(Polynomial(p), uncertainty, length).loss, p) for p in degrees)
        two_piece = math.sqrt(4 + math.log(uncertainty)) / 2
        rows.append([Count(uncertainty), *(f"{x:.4f}" for x in (least, own, two_piece)), f"{best:.3f}"])
        rows[-1] += [f"{best_degree:g}", f"{cosine:.3f}", f"{linear:.3f}"]
        if uncertainty == 16:
            yield "robust/16", f"{least:.2f}"
            yield "robust/linear/16", f"{linear:.2f}"
    searched = [
        optimised_steps(length, uncertainty)[1] / minimax_lr(Robust(uncertainty), uncertainty, length).loss - 1
        for uncertainty in (4.0, 16.0, 64.0)
    ]
    yield "robust/search", _compared(min(searched))
    header = tex("$R$", r"$\frac12\sqrt{k(R)}$", r"robust", "two pieces", "polynomial", "$p$", "cosine", "linear")
    yield "paper/robust", Table(header, rows, "rrrrrrrr")
    yield "robust/agreement", Scientific(worst, up=True)
    yield "robust/steps", Count(length)
    yield "robust/adaptive", f"{math.exp(8 - robust_pieces(16.0)[0] + math.log(16)):.0f}"
    yield "robust/constant", f"{robust_pieces(16.0)[0] - math.log(16):.6f}"
    golden = (1 + math.sqrt(5)) / 2
    yield "robust/flat", f"{2 * golden**3 / (1 + math.sqrt(2)):.3f}"
    pieces = robust_pieces(16.0)[1]
    yield "robust/lengths", Listed.of(f"{piece[0]:.3f}" for piece in pieces)
    yield "robust/reach", f"{_join_reach():.3f}"
    assert math.isclose(robust_loss(16), lower_bound(16), rel_tol=1e-12)


def _compared(least: float) -> Value:
    """What a search over all steps says of the schedule, by its smallest relative difference."""
    if least >= 0:
        return "nothing lower"
    return Text.of("nothing lower by more than ", Tex("$"), Scientific(-least, up=True), Tex("$"), " of it")


def _join_reach() -> float:
    """Up to which part of R the join of the schedule reaches: where the best point of its line is its end."""
    end, tail = (1 + math.sqrt(2)) / 4, math.sqrt((1 + math.sqrt(2)) / 2)  # rho_e / R, and y sqrt(R) at the tail
    return tail**-1.5 * end**0.25


def grid_part() -> Facts:
    """Planned grids."""
    yield "readme/grid", _summary(Grid.summary(table("grid")))
    low, high, tolerance = 1e-4, 1e-1, 1.5
    rows = []
    for schedule in (Constant(), Polynomial(1), Cosine(), Polynomial(2), Polynomial(3)):
        plan = plan_convex(low, high, schedule=schedule, tolerance=tolerance)
        cells = [f"{number:.2f}" for number in (plan.widest_ratio, plan.factor, plan.typical, plan.upward_shift)]
        rows.append([Name(schedule.name), str(plan.trials), *cells])
        if schedule.name in ("Constant()", "Polynomial(1)", "Polynomial(3)"):
            yield f"plan/trials/{schedule.name}", str(plan.trials)
    header = tex("", "trials", "widest ratio", "guaranteed", "typical", "placed high by")
    yield "paper/plan", Table(header, rows, "lrrrrr")
    yield "plan/tolerance", f"{tolerance:g}"
    yield "plan/range", PowerOfTen(high / low)
