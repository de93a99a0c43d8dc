"""``lrtheory plan``: which learning rates to try, which rate another schedule needs, and how a run goes on.

``LOW HIGH`` plans a grid of rates; ``next`` says which rate to try after some results, or to stop; ``equivalent`` translates a
tuned rate into that of other schedules; ``extend`` plans the second stage of a run that goes on.
"""

import argparse
import csv
import dataclasses
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrtheory.counts import count
from lrtheory.door import door

if TYPE_CHECKING:
    from lrtheory.theory.grid_planning import GridPlan


def main(arguments: Sequence[str] | None = None) -> int:
    """Plan and print; 0 when done, 2 for bad usage, 1 where the picture cannot be written."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    from lrtheory.plan_runs import equivalent, extend

    questions = {"next": _next, "equivalent": equivalent, "extend": extend}
    question = arguments[0] if arguments and arguments[0] in questions else ""
    name = f"plan {question}".strip()
    try:
        return questions[question](arguments[1:]) if question else _grid(arguments)
    except ValueError as error:
        print(f"lrtheory {name}: {error}", file=sys.stderr)
        return 2


def _grid(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="lrtheory plan",
        description="A geometric grid of learning rates: what N trials leave to gain on a network, or the fewest trials that "
        "keep a tolerance.",
        epilog="example: lrtheory plan 1e-4 1e-1 --trials 4; with a proof for convex problems: "
        "lrtheory plan 1e-4 1e-1 --risk convex --schedule cosine --tolerance 1.2; more questions: "
        "lrtheory plan next --help, and equivalent and extend in the place of next",
    )
    parser.add_argument("low", type=float, metavar="LOW", help="The lower end of the range that holds the tuned rate.")
    parser.add_argument("high", type=float, metavar="HIGH", help="The upper end of that range.")
    parser.add_argument(
        "--risk",
        choices=("measured", "convex"),
        default="measured",
        help="The curve that is planned for. measured: the behaviour of networks on public grids, which have a cliff above the "
        "best rate; no guarantee. convex: a guarantee that is proved for convex problems, whose points lie high. "
        "Default: measured.",
    )
    parser.add_argument(
        "--schedule", metavar="NAME", help="The schedule, for convex risk, as in Polynomial(2). Default: Cosine."
    )
    request = parser.add_mutually_exclusive_group()
    request.add_argument(
        "--tolerance",
        type=float,
        metavar="X",
        help="The tolerance. For measured risk, the expected fraction of the gain of training that is lost; default: 0.05. For "
        "convex risk, the largest loss over that of the tuned rate; default: 1.2.",
    )
    request.add_argument("--trials", type=count, metavar="N", help="The number of trials, instead of a tolerance.")
    parser.add_argument(
        "--horizon",
        type=count,
        metavar="T",
        help="The number of steps for which a plan of convex risk promises, as 1e6. Default: the limit of long runs.",
    )
    parser.add_argument("--json", action="store_true", help="Print the plans as JSON, one record per schedule.")
    parser.add_argument(
        "--figure",
        metavar="PATH",
        help="Draw the plans of convex risk to PATH.png and PATH.pdf, in a folder that exists.",
    )
    options = parser.parse_args(arguments)
    if options.risk == "measured":
        return _measured_grid(options)
    from lrtheory.schedules import parse
    from lrtheory.theory.grid_planning import compare_plans, plan_convex

    figure = None if options.figure is None else _checked_figure(options.figure)
    tolerance = 1.2 if options.tolerance is None and options.trials is None else options.tolerance
    plan = plan_convex(
        options.low,
        options.high,
        schedule=parse(options.schedule or "Cosine"),
        tolerance=tolerance,
        trials=options.trials,
        horizon=options.horizon,
    )
    plans = compare_plans(plan)
    print(json.dumps([record(each) for each in plans], indent=1) if options.json else report(plans))
    return 0 if figure is None else _draw(plans, figure)


def _measured_grid(options: argparse.Namespace) -> int:
    given = [name for name in ("schedule", "horizon", "figure") if getattr(options, name) is not None]
    if given:
        raise ValueError(
            f"--{given[0]} goes with --risk convex: what was measured on networks is an average over schedules and horizons."
        )
    from lrtheory.planning.measured import plan_measured

    tolerance = 0.05 if options.tolerance is None and options.trials is None else options.tolerance
    plan = plan_measured(options.low, options.high, trials=options.trials, tolerance=tolerance)
    if options.json:
        print(json.dumps(dataclasses.asdict(plan), indent=1))
    else:
        print(
            f"{plan}\nThis is measured on public grids and no promise. One run after the other, plan next needs about half the "
            "trials to a small regret.\n"
            "For convex problems --risk convex has a promise that is proved; its rates lie higher."
        )
    return 0


def _next(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="lrtheory plan next",
        description="Some rates were tried on a network. Which one is next, or is it time to stop? Where the best of them lies "
        "at an end, rates beyond it are tried. A heuristic with the curves that were measured on public grids.",
        epilog="example: lrtheory plan next 1e-4 1e-1 --runs runs.csv --initial-loss 2.3",
    )
    parser.add_argument(
        "low", type=float, metavar="LOW", help="The lower end of the range that was thought to hold the best rate."
    )
    parser.add_argument("high", type=float, metavar="HIGH", help="The upper end of that range.")
    parser.add_argument(
        "--runs",
        metavar="FILE",
        required=True,
        help="A CSV file of the runs so far with the columns lr and loss, the final one; a loss that is missing or not finite is "
        "that of a run that diverged.",
    )
    parser.add_argument(
        "--initial-loss",
        type=float,
        metavar="X",
        required=True,
        help="The loss before training, as the logarithm of the number of classes.",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.003,
        metavar="X",
        help="Stop where the best run is expected to leave less than this part of what training gains. Default: 0.003.",
    )
    parser.add_argument("--json", action="store_true", help="Print the answer as JSON.")
    options = parser.parse_args(arguments)
    from lrtheory.planning.measured import next_lr

    suggestion = next_lr(
        _results(options.runs),
        options.low,
        options.high,
        initial_loss=options.initial_loss,
        tolerance=options.tolerance,
    )
    print(json.dumps(dataclasses.asdict(suggestion), indent=1) if options.json else suggestion)
    return 0


def _results(path: str) -> list[tuple[float, float | None]]:
    """Rates and final losses from a file, or one sentence saying why not."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise ValueError(f"--runs {path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except (UnicodeDecodeError, csv.Error):
        raise ValueError(f"--runs {path} is no CSV file that can be read.") from None
    if not rows or not {"lr", "loss"} <= set(rows[0]):
        raise ValueError(f"--runs {path} needs the columns lr and loss, and at least one run.")
    found = []
    for place, row in enumerate(rows, start=1):
        try:
            found.append((float(row["lr"]), float(row["loss"]) if row["loss"] and row["loss"].strip() else None))
        except (TypeError, ValueError):
            raise ValueError(f"--runs {path}, row {place}: lr and loss must be numbers.") from None
    return found


def _checked_figure(text: str) -> Path:
    """The path of the picture without its ending, or one sentence saying what it must be, before any work is done."""
    path = Path(text)
    if not path.name:
        raise ValueError(f"--figure must name a file, not {text!r}.")
    if path.suffix not in ("", ".png", ".pdf"):
        raise ValueError(
            f"--figure {text} must have no ending: the picture is drawn as PNG and PDF. Leave out {path.suffix}."
        )
    if not path.parent.is_dir():
        raise ValueError(f"--figure {text} cannot be written: there is no folder {path.parent}.")
    return path.with_suffix("")


def record(plan: "GridPlan") -> dict[str, Any]:
    """A plan as plain numbers and words; what is infinite is null."""
    return {
        "schedule": plan.schedule.name,
        "low": plan.low,
        "high": plan.high,
        "horizon": plan.horizon,
        "tolerance": plan.tolerance,
        "widest_ratio": plan.widest_ratio,
        "ratio": plan.ratio,
        "points": list(plan.points),
        "factor": plan.factor,
        "typical": plan.typical,
        "tuned_loss": plan.tuned_loss if plan.tuned_loss < float("inf") else None,
    }


def report(plans: "Sequence[GridPlan]") -> str:
    """Plans as text: what to run, a table of the schedules, and what annealing saves."""
    from lrtheory.runs.tables import shown_rows
    from lrtheory.schedules import Constant, Polynomial

    plan = plans[0]
    constant, linear = (next(each for each in plans if each.schedule == kind) for kind in (Constant(), Polynomial(1)))
    rows = [
        {
            "schedule": each.schedule.name,
            "trials": each.trials,
            "ratio": f"{each.ratio:.3g}",
            "widest ratio": f"{each.widest_ratio:.3g}",
            "guaranteed": f"{each.factor:.3f}",
            "typical": f"{each.typical:.3f}",
            "tuned loss": _shown(each.tuned_loss),
            "after tuning": _shown(_after_tuning(each)),
        }
        for each in plans
    ]
    lines = [str(plan)]
    saved = constant.trials - plan.trials
    if saved > 0 and _after_tuning(plan) <= _after_tuning(linear):  # else fewer trials are bought with a larger loss
        lines.append(f"Annealing saves {saved} of the {constant.trials} trials that a constant rate would need.")
    lines += [
        "",
        shown_rows([list(rows[0]), *(list(row.values()) for row in rows)]),
        "",
        "Losses in units of DG/sqrt(T): linear decay, perfectly tuned, has 1 in the limit of long runs.",
    ]
    if any(math.isinf(each.tuned_loss) for each in plans):
        lines.append("What grows, grows like sqrt(ln T): give --horizon.")
    lines.append(f"The promise is for convex problems. {_on_networks(plan)}")
    return "\n".join(lines)


def _on_networks(plan: "GridPlan") -> str:
    """What is expected of a convex plan on networks, beside equal spacing."""
    from lrtheory.planning.measured import MOST_PLANNED, expected, plan_measured

    if plan.trials > MOST_PLANNED:
        return "Networks have a cliff above the best rate: --risk measured plans for them."
    found, even = expected(plan.low, plan.high, plan.points), plan_measured(plan.low, plan.high, trials=plan.trials)
    return (
        f"On networks, as measured, these rates are expected to leave {found.regret:.1%} of what training gains and to lose "
        f"{sum(found.lost):.1f} of {plan.trials} runs; equally spaced ones {even.regret:.1%} and {sum(even.lost):.1f}: "
        "--risk measured plans those."
    )


def _after_tuning(plan: "GridPlan") -> float:
    return plan.factor * plan.tuned_loss


def _shown(loss: float) -> str:
    return "grows" if math.isinf(loss) else f"{loss:.3f}"


def _draw(plans: "Sequence[GridPlan]", path: Path) -> int:
    from lrtheory.figures.plan import curves, draw
    from lrtheory.figures.style import save
    from lrtheory.runs.tables import files_written

    try:
        written = save(draw(curves(plans)), path)
    except OSError as error:
        print(f"lrtheory plan: --figure {path} cannot be written: {error.strerror or error}.", file=sys.stderr)
        return 1
    print(files_written(written), file=sys.stderr)
    return 0


if __name__ == "__main__":
    door("plan", main)
