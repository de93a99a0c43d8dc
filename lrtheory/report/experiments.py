"""What was measured: the penalty, simulations, networks, language models, speed."""

import sympy

from lrtheory.report.tables import table
from lrtheory.report.values import Facts, Interval, PowerOfTen, Table, Tex, tex
from lrtheory.schedules import Cosine, Polynomial, parse
from lrtheory.statistics import fit_slope, mean_estimate
from lrtheory.sweeps import Penalty, Rho, penalty
from lrtheory.sweeps.rho import FITTED
from lrtheory.theory.annealed_penalty import schedule_penalty
from lrtheory.theory.backward_error import modified_equation
from lrtheory.theory.misprint import equation_seven
from lrtheory.theory.misspecification import rho_exponent
from lrtheory.theory.penalties import PENALTIES, gradient_descent, heavy_ball


def penalty_part() -> Facts:
    """The implicit penalty: formulas of the modules, and the experiment."""
    yield "penalty/series", Tex(modified_equation(4).latex())
    for optimizer, term in PENALTIES.items():
        yield f"penalty/{optimizer}", Tex(term().latex())
    yield "penalty/printed", Tex(equation_seven().printed)
    strength = heavy_ball(convention="ema", momentum=0.9).strength
    yield "penalty/ball", str(strength / gradient_descent().strength)
    memories = [(1 + sympy.Rational(b)) / (1 - sympy.Rational(b)) for b in ("0.9", "0.999")]
    yield "penalty/adam-bracket", Tex(f"{memories[0]} - {memories[1]} = {memories[0] - memories[1]}")
    yield "penalty/linear-kept", Tex(sympy.latex(schedule_penalty(Polynomial(1)).kept))
    yield "penalty/cosine-kept", Tex(sympy.latex(schedule_penalty(Cosine()).kept))

    frame = table("penalty")
    yield "penalty/points", str(Penalty().points)
    yield "penalty/runs", str(frame["run"].nunique())
    for name, slope in penalty.orders(frame).items():
        yield f"penalty/order/{name.removeprefix('distance_')}", Interval(slope, ".2f")
    rows = []
    for lr, group in frame.groupby("lr"):
        relative = mean_estimate(100 * group["distance_flow"] / group["travel"])
        flatter = mean_estimate(100 * (1 - group["sharpness_descent"] / group["sharpness_flow"]))
        same = mean_estimate(100 * (1 - group["sharpness_penalised"] / group["sharpness_flow"]))
        accuracy = mean_estimate(100 * (group["accuracy_descent"] - group["accuracy_flow"]))
        left = penalty.explained(group)
        rows.append([f"{lr:g}", f"{group['lr_sharpness'].mean():.2f}", Interval(relative, ".2f")])
        rows[-1] += [Interval(left, ".2f"), Interval(flatter, ".1f"), Interval(same, ".1f"), Interval(accuracy, ".2f")]
    header = tex(
        r"$\eta$", r"$\eta\lambda$", r"distance / way (\%)", "unexplained part", r"flatter by (\%)", r"penalised (\%)",
        "accuracy (points)",
    )  # fmt: skip
    yield "paper/penalty", Table(header, rows, "rrlllll")
    below = frame[frame.groupby("lr")["lr_sharpness"].transform("mean") < 1]
    yield "penalty/below", f"{100 * (below['distance_flow'] / below['travel']).groupby(below['lr']).mean().max():.1f}"


def simulation_part() -> Facts:
    """What the simulated tables say."""
    frame = table("rho")
    fitted = frame[frame["rho"].between(*FITTED)]
    inside = []
    for name, group in fitted.groupby("schedule", sort=False):
        if str(name) == "Robust(16)":
            continue
        slope = fit_slope(group["rho"], group["simulated"], group["standard_error"])
        inside.append(slope.low <= float(rho_exponent(parse(str(name)))) <= slope.high)
    yield "simulated/inside", f"{sum(inside)} of {len(inside)}"
    ratio = frame["simulated"] / frame["worst_case"]
    yield "simulated/share", f"{ratio.min():.2f} to {ratio.max():.2f}"
    yield "simulated/replicas", PowerOfTen(Rho().replicas)
    relative = 100 * (frame["simulated"] / frame["expected"] - 1).abs()
    yield "simulated/cells", str(len(frame))
    yield "simulated/deviation", f"{relative.median():.1f}"
    yield "simulated/largest", f"{relative.max():.1f}"
