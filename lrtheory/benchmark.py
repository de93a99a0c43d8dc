"""``lrtheory benchmark``: eighteen strategies on five tasks, under three protocols, and the audit."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lrtheory.door import door

if TYPE_CHECKING:
    import pandas as pd

    from lrtheory.benchmarks.experiment import Benchmark
    from lrtheory.benchmarks.scales import Scale


SIGNS = (
    "Accuracies in per cent, ± half of the 95 % interval over seeds; (edge): the best rate is at an end of its grid."
)
"""What the signs of the table of one protocol mean."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark or its audit and print its table; 0 when done, 2 for bad usage, 1 for a failure or interruption."""
    from lrtheory.command_line import add_fields, add_workers, check_workers, read_fields, writable_folder
    from lrtheory.extras import load_torch

    try:
        load_torch("the benchmark")
    except ModuleNotFoundError as missing:
        print(f"lrtheory benchmark: {missing}", file=sys.stderr)
        return 1
    from lrtheory.benchmarks import experiment, scales

    parser = argparse.ArgumentParser(
        prog="lrtheory benchmark",
        description="Which strategy trains best? Finished runs are kept and never repeated.",
        epilog="example: lrtheory benchmark --tasks synthetic trec6 --strategies AdamW DALS --seeds 5; with a task "
        "and a strategy of your own: lrtheory benchmark --tasks my_tasks.py:MyTask --strategies AdamW my.py:MyStrategy",
    )
    default = experiment.Benchmark()
    add_fields(parser, default)
    parser.add_argument(
        "--audit", action="store_true", help="Switch each suspected artefact of the published table on and off instead."
    )
    parser.add_argument(
        "--scale",
        choices=tuple(scales.SCALES),
        help="Make all runs of the committed table, audit included, or those on --tasks; full is for a large GPU.",
    )
    parser.add_argument(
        "--out", default="results", metavar="FOLDER", help="The folder that results are written to. Default: results."
    )
    add_workers(parser, "processes")
    parser.add_argument("--json", action="store_true", help="Print all runs as JSON, one record per run.")
    parser.add_argument("--quick", action="store_true", help="Run a smaller benchmark, in seconds.")
    options = parser.parse_args(sys.argv[1:] if arguments is None else list(arguments))
    try:
        config = read_fields(options, experiment.Benchmark.quick() if options.quick else default)
        if options.scale and (replace(config, tasks=default.tasks) != default or options.audit):
            raise ValueError("--scale says what is run: leave the other options out, but for --tasks.")
        scale = scales.SCALES.get(options.scale)
        if scale is not None and config.tasks != default.tasks:
            scale = scale.on(config.tasks)
        check_workers(options)
        if options.dask is None:  # a cluster may have what is not here
            experiment.check_device(config.device)
        out = writable_folder(options.out)
    except ValueError as error:
        print(f"lrtheory benchmark: {error}", file=sys.stderr)
        return 2
    return _run(options, config, scale, out)


def _run(options: argparse.Namespace, config: "Benchmark", scale: "Scale | None", out: Path) -> int:
    from lrtheory.benchmarks import audit
    from lrtheory.benchmarks.chosen import task_of
    from lrtheory.command_line import FAILURES, chosen_workers, sentence
    from lrtheory.runs import Compute, Store
    from lrtheory.runs.tables import files_written, write_csv
    from lrtheory.tasks.data import DataError

    store = Store(out / "cells")
    parts = (config,) if scale is None else (*scale.benchmarks, *scale.audits, *scale.failures)
    try:
        for task, encoder in dict.fromkeys((task, part.encoder) for part in parts for task in part.tasks):
            task_of(task, encoder).fetch()
        with chosen_workers(options) as workers, Compute(store, workers) as compute:
            frame = (scale or (audit.Audit(config) if options.audit else config)).run(compute)
        name = "audit" if options.audit else "benchmark" if scale else "results"
        write_csv(frame, out / f"{name}.csv")
        reported = _audited if options.audit or scale else _compared
        texts, written = reported(frame, out)
    except (DataError, *FAILURES) as failure:
        print(f"lrtheory benchmark: {sentence(failure)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"\nInterrupted. Finished runs are kept in {store.folder}; the same command goes on from there.",
            file=sys.stderr,
        )
        return 1
    try:
        print(frame.to_json(orient="records", indent=1) if options.json else "\n\n".join(texts), flush=True)
    finally:  # whether or not anybody reads the tables
        for line in dict.fromkeys(line for part in parts for line in notes(part)):
            print(line, file=sys.stderr)
        if reported is _compared:
            print(SIGNS, file=sys.stderr)
        print(files_written([out / f"{name}.csv", *written]), file=sys.stderr)
    return 0


def _compared(frame: "pd.DataFrame", out: Path) -> tuple[list[str], list[Path]]:
    """One protocol: its tables, and the files written."""
    from lrtheory.benchmarks import report
    from lrtheory.figures import benchmark as heat_map
    from lrtheory.figures import learning_curves, learning_curves_all
    from lrtheory.figures.style import save
    from lrtheory.runs.store import whole_file
    from lrtheory.runs.tables import shown_table

    table = report.summary(frame)
    with whole_file(out / "results.tex") as temporary:
        temporary.write_text(report.latex(table), encoding="utf-8")
    written = [out / "results.tex", *save(heat_map.draw(frame), out / "ranks")]
    for figure in (learning_curves, learning_curves_all):
        written += save(figure.draw(frame), out / figure.__name__.rpartition(".")[2])
    texts = [shown_table(report.shown(table))]
    if (frame["protocol"] == "as-coded").all() and not (speed := report.convergence(frame)).empty:
        texts.append("Epochs to each test accuracy, and the published number:\n" + shown_table(speed))
    return texts, written


def _audited(frame: "pd.DataFrame", out: Path) -> tuple[list[str], list[Path]]:
    """An audit, alone or with the whole benchmark: its tables, and the files written."""
    from lrtheory.benchmarks import audit, headlines
    from lrtheory.figures import audit as figure
    from lrtheory.figures.style import save
    from lrtheory.runs.tables import shown_table

    tables = {
        "Artefacts, with and without": audit.shown_switches(frame),
        "Published failures at multiples of their rate": audit.shown_sweep(frame),
        "Published headlines": headlines.verdicts(frame),
    }
    texts = [f"{title}:\n{shown_table(table)}" for title, table in tables.items() if len(table)]
    return texts, save(figure.draw(frame), out / "audit")


def notes(config: "Benchmark") -> list[str]:
    """What a reader of the results must know, one line per fact."""
    from lrtheory.benchmarks.chosen import task_of
    from lrtheory.tasks.text import DEFAULT_ENCODER

    made = [task_of(task, config.encoder) for task in config.tasks]
    lines = [f"{task.title}: {task.note}." for task in made if task.note]
    encoders = {Path(task.encoder).name for task in made if task.encoder} - {DEFAULT_ENCODER}
    lines += [f"Fine-tuned: {name}; the published numbers are of {DEFAULT_ENCODER}." for name in sorted(encoders)]
    if config.examples or config.epochs:
        sizes = {"examples": config.examples, "epochs": config.epochs}
        scale = " and ".join(f"{name} {size}" for name, size in sizes.items() if size)
        titles = ", ".join(task.title for task in made)
        lines.append(f"{titles}: another scale ({scale}) than that of the published numbers.")
    return lines


if __name__ == "__main__":
    door("benchmark", main)
