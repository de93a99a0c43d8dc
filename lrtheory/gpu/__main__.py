"""``lrtheory gpu``: what is to be computed on one large GPU, in pieces that stop by themselves and go on."""

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lrtheory.door import door
from lrtheory.runs.progress import duration

if TYPE_CHECKING:
    from lrtheory.gpu.plan import Foreseeable
    from lrtheory.runs import Cell
    from lrtheory.runs.pace import Pace

MINUTES = 9.0
MEASURING = 0.1
"""The part of its time in which a piece measures what its cells take, before it starts."""
AT_ONCE = 8
"""Worker processes that share a GPU; how many serve best has not been measured."""


def main(arguments: Sequence[str] | None = None, *, clock: Callable[[], float] = time.monotonic) -> int:
    """Compute pieces one after another; 0 when done or out of time, 1 for a failure or interruption, 2 for bad usage."""
    from lrtheory.command_line import check_workers, writable_folder
    from lrtheory.counts import count
    from lrtheory.gpu.plan import PLAN
    from lrtheory.processors import processors
    from lrtheory.runs.pace import Pace

    pieces = "; ".join(f"{name}: {piece.purpose}" for name, piece in PLAN.items())
    parser = argparse.ArgumentParser(
        prog="lrtheory gpu",
        description="Compute on one large GPU, in pieces that stop by themselves and go on from what is stored. "
        f"{pieces}. None of this has ever run on a GPU.",
        epilog="example: lrtheory gpu cifar10 --out results",
    )
    parser.add_argument("pieces", nargs="*", metavar="PIECE", help="The pieces. Default: all, in this order.")
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help=f"The time of each piece. Default: {MINUTES:g} minutes."
    )
    parser.add_argument(
        "--out", default="results", metavar="FOLDER", help="The folder that results are written to. Default: results."
    )
    parser.add_argument(
        "--workers",
        type=count,
        metavar="N",
        help=f"The number of processes that share the GPU. Default: {AT_ONCE}, or as many as there are processors.",
    )
    parser.add_argument("--dry-run", action="store_true", help="Go through the pieces at toy size on the CPU.")
    options = parser.parse_args(sys.argv[1:] if arguments is None else list(arguments))
    try:
        for name in options.pieces:
            if name not in PLAN:
                raise ValueError(f"{name!r} is no piece; there are {', '.join(PLAN)}.")
        if not 0 < options.minutes < float("inf"):
            raise ValueError(f"minutes must be positive, not {options.minutes:g}.")
        options.dask = None
        check_workers(options)
        out = writable_folder(options.out)
    except ValueError as error:
        print(f"lrtheory gpu: {error}", file=sys.stderr)
        return 2
    workers = options.workers or min(AT_ONCE, processors())
    whole = True
    try:
        for name in options.pieces or PLAN:
            piece = PLAN[name]
            experiments = dict(piece.toy() if options.dry_run else piece.experiments())
            print(f"{name}: {piece.purpose}; at most {options.minutes:g} minutes.", flush=True)
            whole &= _run(name, experiments, Pace(60 * options.minutes, clock=clock), out, workers)
    except KeyboardInterrupt:
        print("\nInterrupted. Finished cells are kept; the same command goes on from there.", file=sys.stderr)
        return 1
    return 0 if whole else 1


def _run(name: str, experiments: "dict[str, Foreseeable]", pace: "Pace", out: Path, workers: int) -> bool:
    """Compute the experiments of a piece as far as its time allows; whether none of them failed."""
    from lrtheory.runs import Compute, Store
    from lrtheory.runs.executor import TimeOverError, check_devices
    from lrtheory.runs.tables import shown_table, write_csv

    store, missing, failed = Store(out / "cells"), {}, set()
    share = MEASURING * pace.left() / len(experiments)
    for table, experiment in experiments.items():
        with _reported(table, failed):
            found = pace.learn(experiment.cells(), store)
            check_devices(found)
            pace.measure(found, share)
            missing[table] = found
    everything = list(dict.fromkeys(cell for cells in missing.values() for cell in cells))
    print(f"{name}: {_foreseen(everything, pace, workers)}", flush=True)
    with Compute(store, workers, pace=pace) as compute:
        for table, cells in missing.items():
            with _reported(table, failed):
                pace.measure(cells)
                try:
                    frame = experiments[table].run(compute)
                except TimeOverError as over:
                    left = pace.learn(experiments[table].cells(), store)
                    print(f"{table}: {over} In all {_foreseen(left, pace, workers)} Run the same to go on.", flush=True)
                    break
                write_csv(frame, out / f"{table}.csv")
                print(f"{shown_table(experiments[table].summary(frame))}\nWritten: {out / table}.csv", flush=True)
    return not failed


@contextmanager
def _reported(table: str, failed: set[str]) -> Iterator[None]:
    """Report a failure of the block and note whose it was: what comes next may go well all the same."""
    from lrtheory.command_line import FAILURES, sentence
    from lrtheory.tasks.data import DataError

    try:
        yield
    except (DataError, *FAILURES) as failure:
        print(f"{table}: {sentence(failure)}", file=sys.stderr)
        failed.add(table)
    except RuntimeError:  # of the GPU, or of a compiler for it
        print(f"{table}: failed.", file=sys.stderr)
        traceback.print_exc()
        failed.add(table)


def _foreseen(cells: "Sequence[Cell]", pace: "Pace", workers: int) -> str:
    """How many cells are to be computed, and how long that takes, as sentences."""
    known = [cell for cell in cells if pace.expected([cell]) is not None]
    if not cells:
        return "all cells are stored."
    text = f"about {len(cells)} cells are not stored"
    if known:
        seconds = pace.expected(known) or 0.0
        text += f"; {len(known)} of them take about {duration(seconds)} one after another"
        if workers > 1 and all(cell.own_process for cell in known):
            text += f", and {duration(seconds / workers)} if {workers} at a time do not slow one another"
    if len(known) < len(cells):
        text += f"; what {len(cells) - len(known)} of them take is not known yet"
    return f"{text}."


if __name__ == "__main__":
    door("gpu", main)
