"""``lrtheory sweep NAME``: experiments that keep what they finish, by their names in ``lrtheory.sweeps``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lrtheory.door import door

if TYPE_CHECKING:
    from lrtheory.runs import Experiment


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one experiment and print its table; 0 when done, 2 for bad usage, 1 for a failure or an interruption."""
    from lrtheory.command_line import add_fields, add_workers, check_workers, read_fields, writable_folder
    from lrtheory.sweeps import EXPERIMENTS

    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="lrtheory sweep",
        description="What does a wrong learning rate cost? Finished cells are kept and never computed again.",
        epilog="example: lrtheory sweep rho --schedules 'Polynomial(2)' Cosine --horizon 10000",
    )
    commands = parser.add_subparsers(dest="sweep", required=True, metavar="SWEEP")
    for name, entry in EXPERIMENTS.items():
        command = commands.add_parser(
            name,
            help=entry.question,
            description=entry.question,
            epilog=f"example: lrtheory sweep {name} --quick",
        )
        command.add_argument(
            "--out",
            default="results",
            metavar="FOLDER",
            help="The folder that results are written to. Default: results.",
        )
        add_workers(command, "threads")
        command.add_argument("--json", action="store_true", help="Print the whole table as JSON, one record per row.")
        command.add_argument("--quick", action="store_true", help="Run a smaller sweep, in seconds.")
        if name in given[:1]:  # only the experiment that runs is imported
            add_fields(command, entry.load()())
    options = parser.parse_args(given)
    kind = EXPERIMENTS[options.sweep].load()
    try:
        experiment = read_fields(options, kind.quick() if options.quick else kind())
        check_workers(options)
        out = writable_folder(options.out)
    except ValueError as error:
        print(f"lrtheory sweep {options.sweep}: {error}", file=sys.stderr)
        return 2
    return _run(options, experiment, out)


def _run(options: argparse.Namespace, experiment: "Experiment", out: Path) -> int:
    from lrtheory.command_line import FAILURES, chosen_workers, sentence
    from lrtheory.figures import FIGURES
    from lrtheory.figures.provenance import provenance, write_record
    from lrtheory.figures.style import save
    from lrtheory.runs import Store
    from lrtheory.runs.tables import files_written, shown_table, write_csv

    name, store = options.sweep, Store(out / "cells")
    try:
        with chosen_workers(options) as workers:
            frame = experiment.table(store, workers)
        figure = FIGURES[name].draw(frame) if name in FIGURES else None
        write_csv(frame, out / f"{name}.csv")
        write_record(out, name, experiment, store)
        written = [out / f"{name}.csv"]
        if figure is not None:
            written += save(figure, out / name, **provenance(name, out))
    except KeyboardInterrupt:
        print(
            f"\nInterrupted. Finished cells are kept in {store.folder}; the same command goes on from there.",
            file=sys.stderr,
        )
        return 1
    except FAILURES as failure:
        print(f"lrtheory sweep {name}: {sentence(failure)}", file=sys.stderr)
        return 1
    try:
        text = frame.to_json(orient="records", indent=1) if options.json else shown_table(experiment.summary(frame))
        print(text, flush=True)
    finally:  # whether or not anybody reads the table
        print(files_written(written), file=sys.stderr)
    return 0


if __name__ == "__main__":
    door("sweep", main)
