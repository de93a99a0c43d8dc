"""``python -m lrtheory.plan next``: which rate to try after some results."""

import argparse
import csv
import dataclasses
import json
from collections.abc import Sequence


def next_rate(arguments: Sequence[str]) -> int:
    """Print the next rate, or that it is time to stop; 0.

    Raises:
        ValueError: a number or the file cannot be used, in one sentence.
    """
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
