"""``lrtheory plan equivalent`` and ``lrtheory plan extend``: which rate another schedule needs, and how a run goes on."""

import argparse
import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lrtheory.counts import count

if TYPE_CHECKING:
    from lrtheory.forecast import Extension, Forecast


def equivalent(arguments: Sequence[str]) -> int:
    """Print the rates of other schedules that match a tuned one."""
    parser = argparse.ArgumentParser(
        prog="lrtheory plan equivalent",
        description="A learning rate was tuned for one schedule. Which rates do other schedules need? Only the ratio of two "
        "best rates is used, so no constant of the problem is needed.",
        epilog="example: lrtheory plan equivalent 1e-3 cosine 'WSD(0.2)' 'Polynomial(1)' --horizon 1e5",
    )
    parser.add_argument("lr", type=float, metavar="LR", help="The base rate that was tuned.")
    parser.add_argument("from_", metavar="FROM", help="The schedule that it was tuned for, as Cosine.")
    parser.add_argument("to", metavar="TO", nargs="+", help="The schedules that are to be run, as WSD(0.2).")
    parser.add_argument(
        "--horizon", type=count, metavar="T", required=True, help="The number of steps of all runs, as 1e5."
    )
    _add_runs(parser)
    options = parser.parse_args(arguments)
    from lrtheory.forecast import equivalent_lr
    from lrtheory.schedules import parse

    first, others = parse(options.from_), [parse(name) for name in options.to]
    forecast = _fitted(options.runs)
    rates = [equivalent_lr(options.lr, first, other, options.horizon, forecast=forecast) for other in others]
    if options.json:
        records = [
            {
                "schedule": other.name,
                "lr": rate.value,
                "low": rate.low,
                "high": rate.high,
                "ratio": rate.value / options.lr,
            }
            for other, rate in zip(others, rates)
        ]
        print(json.dumps(records, indent=1))
        return 0
    from lrtheory.runs.tables import shown_rows

    header = ["schedule", "base rate", "over the tuned one"] + ["95 % interval"] * (forecast is not None)
    rows = [[first.name, f"{options.lr:.3g}", "1", *["tuned"] * (forecast is not None)]]
    for other, rate in zip(others, rates):
        row = [other.name, f"{rate.value:.3g}", f"{rate.value / options.lr:.3g}"]
        rows.append(row + [f"{rate.low:.3g} to {rate.high:.3g}"] * (forecast is not None))
    print(f"Base rates that match {options.lr:g} under {first.name} over {options.horizon:,} steps, {_by(forecast)}")
    print()
    print(shown_rows([header, *rows]))
    return 0


def extend(arguments: Sequence[str]) -> int:
    """Print the best second stage of a run that goes on."""
    parser = argparse.ArgumentParser(
        prog="lrtheory plan extend",
        description="A run has done its steps and goes on. Linear decay to zero is the best second stage; this finds its first "
        "rate, says from which checkpoint it should start, and what it costs not to have known the horizon.",
        epilog="example: lrtheory plan extend cosine 10000 20000 --lr 1e-3",
    )
    parser.add_argument("schedule", metavar="SCHEDULE", help="The schedule of the first run, as WSD(0.2).")
    parser.add_argument("done", type=count, metavar="DONE", help="The number of steps that are done.")
    parser.add_argument("horizon", type=count, metavar="T", help="The number of steps in all, as 2e4.")
    parser.add_argument(
        "--lr",
        type=float,
        metavar="RATE",
        help="The base rate of the first run. The answer is then in rates, and not in multiples of it. It is needed with "
        "--runs.",
    )
    _add_runs(parser)
    options = parser.parse_args(arguments)
    from lrtheory import forecast as forecasts
    from lrtheory.checks import checked_positive
    from lrtheory.schedules import parse

    schedule = parse(options.schedule)
    lr = None if options.lr is None else checked_positive("lr", options.lr)
    if options.runs is not None and lr is None:
        raise ValueError("a forecast needs the base rate of the first run: give --lr.")
    forecast = _fitted(options.runs)
    plan = forecasts.extend(schedule, options.done, options.horizon, lr=lr if forecast else None, forecast=forecast)
    if options.json:
        known = None if plan.known is None else dataclasses.asdict(plan.known)
        stages = {name: dataclasses.asdict(getattr(plan, name)) for name in ("go_on", "branch")}
        print(
            json.dumps(
                {
                    "schedule": schedule.name,
                    "done": plan.done,
                    "horizon": plan.horizon,
                    "lr": lr,
                    **stages,
                    "known": known,
                },
                indent=1,
            )
        )
    else:
        print(_of_extension(plan, lr, forecast))
    return 0


def _of_extension(plan: "Extension", lr: float | None, forecast: "Forecast | None") -> str:
    from lrtheory.runs.tables import shown_rows

    added = plan.horizon - plan.done
    first = f"{plan.go_on.rate:.3g} times its base rate" if lr is None else f"{plan.go_on.rate * lr:.3g}"
    header = ["second stage", "from step", "first rate", "price"]
    rows = [
        [
            name, f"{stage.kept:,}", f"{stage.rate:.3g} x base" if lr is None else f"{stage.rate * lr:.3g}",
            f"{100 * (stage.price.value - 1):.1f} %" if forecast is None else f"{stage.price:.4f}",
        ]
        for name, stage in (("after all steps", plan.go_on), ("best checkpoint", plan.branch))
    ]  # fmt: skip
    lines = [
        f"{plan.schedule.name} has run {plan.done:,} steps and goes on to {plan.horizon:,}: start at {first} and decay "
        f"linearly to zero in {added:,} steps, {_by(forecast)}",
        "",
        shown_rows([header, *rows]),
        "",
    ]
    if plan.known is None:
        lines.append(
            "The price is the worst case over that of a run that knew its horizon, less one; the first run's base rate is the "
            "one that is tuned for its steps."
        )
    else:
        lines.append(
            f"The price is the final loss less that of linear decay at its best rate over all {plan.horizon:,} steps, "
            f"{plan.known:.4f}."
        )
    return "\n".join(lines)


def _add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runs",
        metavar="FILE",
        help="A CSV file of finished runs with the columns schedule, horizon, lr and loss. A forecast that is fitted to them "
        "answers, with intervals, in the place of the worst case.",
    )
    parser.add_argument("--json", action="store_true", help="Print the answer as JSON.")


def _fitted(path: str | None) -> "Forecast | None":
    if path is None:
        return None
    from lrtheory.forecast import fit, read_runs

    return fit(read_runs(path))


def _by(forecast: "Forecast | None") -> str:
    if forecast is None:
        return "by the worst case on a bounded domain."
    return f"by {forecast.law.name} fitted to {len(forecast.curves)} runs (residual rms {forecast.rms():.2g})."
