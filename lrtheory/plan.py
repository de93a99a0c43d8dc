"""``python -m lrtheory.plan LOW HIGH``: how coarse may a grid of learning rates be, and where should it lie?"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lrtheory.command_line import count
from lrtheory.door import door
from lrtheory.theory.grid_planning import GridPlan, compare_plans, plan_grid


def main(arguments: Sequence[str] | None = None) -> int:
    """Plan a grid and print it; 0 when done, 2 for bad usage, 1 where the picture cannot be written."""
    parser = argparse.ArgumentParser(
        prog="python -m lrtheory.plan",
        description="A geometric grid of learning rates that loses at most a tolerated factor, or the best of N trials.",
        epilog="example: python -m lrtheory.plan 1e-4 1e-1 --schedule cosine --tolerance 1.2",
    )
    parser.add_argument("low", type=float, metavar="LOW", help="Lower end of the range that holds the tuned rate.")
    parser.add_argument("high", type=float, metavar="HIGH", help="Upper end.")
    parser.add_argument("--schedule", default="Cosine", metavar="NAME", help="As Polynomial(2). Default: Cosine.")
    request = parser.add_mutually_exclusive_group()
    request.add_argument("--tolerance", type=float, metavar="FACTOR", help="The loss over the tuned one. Default: 1.2.")
    request.add_argument("--trials", type=count, metavar="N", help="The number of trials, instead of a tolerance.")
    parser.add_argument(
        "--horizon", type=count, metavar="T", help="Promise for T steps, as 1e6. Default: the limit of long runs."
    )
    parser.add_argument("--json", action="store_true", help="Print the plans as JSON, a record a schedule.")
    parser.add_argument(
        "--figure", metavar="PATH", help="Draw the plans to PATH.png and PATH.pdf, in a folder that exists."
    )
    options = parser.parse_args(arguments)
    try:
        from lrtheory.schedules import parse

        figure = None if options.figure is None else _checked_figure(options.figure)
        tolerance = 1.2 if options.tolerance is None and options.trials is None else options.tolerance
        plan = plan_grid(
            options.low,
            options.high,
            schedule=parse(options.schedule),
            tolerance=tolerance,
            trials=options.trials,
            horizon=options.horizon,
        )
        plans = compare_plans(plan)
    except ValueError as error:
        print(f"lrtheory plan: {error}", file=sys.stderr)
        return 2
    print(json.dumps([record(each) for each in plans], indent=1) if options.json else report(plans))
    return 0 if figure is None else _draw(plans, figure)


def _checked_figure(text: str) -> Path:
    """The path of the picture without its ending, or one sentence saying what it must be, before any work is done."""
    path = Path(text)
    if not path.name:
        raise ValueError(f"--figure must name a file, not {text!r}.")
    if path.suffix not in ("", ".png", ".pdf"):
        raise ValueError(f"--figure {text} cannot be drawn: PNG and PDF are, so leave out the ending {path.suffix}.")
    if not path.parent.is_dir():
        raise ValueError(f"--figure {text} cannot be written: there is no folder {path.parent}.")
    return path.with_suffix("")


def record(plan: GridPlan) -> dict[str, Any]:
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


def report(plans: Sequence[GridPlan]) -> str:
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
    return "\n".join(lines)


def _after_tuning(plan: GridPlan) -> float:
    return plan.factor * plan.tuned_loss


def _shown(loss: float) -> str:
    return "grows" if math.isinf(loss) else f"{loss:.3f}"


def _draw(plans: Sequence[GridPlan], path: Path) -> int:
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
