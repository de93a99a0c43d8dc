"""``lrtheory figures [NAME]``: draw every figure, or one."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from lrtheory.command_line import writable_folder
from lrtheory.door import door
from lrtheory.figures import FIGURES
from lrtheory.runs.tables import committed

RESULTS = Path("results")


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw figures as PNG and PDF; 0 when all are drawn, 1 where one is left out, 2 for bad usage.

    A figure is left out where its table is missing or where it needs a package that is not installed, such as torch.
    """
    parser = argparse.ArgumentParser(
        prog="lrtheory figures",
        description="Draw the figures from the committed tables, or from scratch where that takes seconds.",
        epilog="example: lrtheory figures note_schedules --out drawn. Returns 0 when all are drawn, and 1 where "
        "some are left out, which are named: their tables are missing, or they need a package that is not installed.",
    )
    parser.add_argument("name", nargs="?", choices=FIGURES, metavar="NAME", help=f"One of {', '.join(FIGURES)}.")
    parser.add_argument("--out", default="figures", metavar="FOLDER", help="Where they go. Default: figures.")
    parser.add_argument(
        "--recompute", action="store_true",
        help="Compute the tables first, into the folder results; finished cells there are kept and never repeated.",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        out = writable_folder(options.out)
    except ValueError as error:
        print(f"lrtheory figures: {error}", file=sys.stderr)
        return 2
    from lrtheory.figures.provenance import provenance
    from lrtheory.figures.style import save

    chosen = [options.name] if options.name else list(FIGURES)
    computed = recompute(chosen) if options.recompute else set()
    missing, needing, written = [], {}, []
    for name in chosen:
        folder = RESULTS if name in computed else committed()
        try:
            frame, source = FIGURES[name].data(folder), provenance(name, folder)
        except FileNotFoundError as error:
            missing.append(f"{name} ({error.filename})")
            continue
        except ModuleNotFoundError as error:  # a figure of training is drawn from modules that train
            needing[name] = str(error.name)
            continue
        written += save(FIGURES[name].draw(frame), out / name, **source)
    if written:
        print("\n".join(map(str, written)))
    if missing:
        print(f"lrtheory figures: the tables of these figures are missing: {', '.join(missing)}.", file=sys.stderr)
    if needing:
        print(
            f"lrtheory figures: these figures need {' and '.join(sorted(set(needing.values())))} and are left out: "
            f"{', '.join(needing)}. To draw them, pip install 'lrtheory[torch]'.",
            file=sys.stderr,
        )
    return 1 if missing or needing else 0


def recompute(chosen: Sequence[str]) -> set[str]:
    """Compute the tables of figures into ``results``; the figures whose tables are all there afterwards.

    The benchmark's is not computed here: it needs data sets, a GPU and choices of its own.
    """
    from lrtheory import sweep
    from lrtheory.figures.provenance import read_record
    from lrtheory.sweeps import EXPERIMENTS

    made = set()
    for table in dict.fromkeys(table for name in chosen for table in FIGURES[name].tables):
        if table not in EXPERIMENTS:
            print(f"lrtheory figures: {table}.csv is not a sweep's; it is read from {committed()}.", file=sys.stderr)
            continue
        record = read_record(committed(), table)
        took = f", which took {_duration(record['seconds'])} of one core" if record and record["seconds"] else ""
        print(f"lrtheory sweep {table}{took}; interrupt it and it goes on from there.", file=sys.stderr)
        with redirect_stdout(sys.stderr):
            if sweep.main([table, "--out", str(RESULTS)]) == 0:
                made.add(table)
    return {name for name in chosen if (tables := FIGURES[name].tables) and made.issuperset(tables)}


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds > 3600 else f"{seconds:.0f} seconds"


if __name__ == "__main__":
    door("figures", main)
