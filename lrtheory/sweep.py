"""``python -m lrtheory.sweep NAME``: experiments that keep what they finish, one module of ``lrtheory.sweeps`` each."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from lrtheory.command_line import (
    FAILURES,
    add_fields,
    add_workers,
    check_workers,
    chosen_workers,
    read_fields,
    sentence,
    writable_folder,
)

SWEEPS = {
    "rho": "loss against misspecification, all schedules: law, worst case, simulation, fitted exponents",
    "degree": "the exponent of rho against the degree of decay",
    "horizon": "the 1/sqrt(T) rate, and the exponent of rho as the horizon grows",
    "grid": "loss after tuning by a geometric grid against its resolution, worst over offsets",
    "tightness": "the worst case against semidefinite programs and the published bound (needs PEPit)",
    "penalty": "gradient descent on a small network against its implicit gradient penalty (needs torch)",
    "networks": "logistic regression and small networks against the law (needs torch)",
    "cifar10": "residual networks on CIFAR-10 against the law (needs torch)",
    "robustness": "accuracy that eighteen strategies lose when their rate is 2, 4 or 10 times off (needs torch)",
    "language_models": "public logs of language models against the worst case",
    "forecast": "laws of loss curves on public logs: which forecasts runs that it has not seen?",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sweep and print its table; 0 when done, 2 for bad usage, 1 for a failure or an interruption."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="python -m lrtheory.sweep",
        description="What does a wrong learning rate cost? Finished cells are kept and never computed again.",
        epilog="example: python -m lrtheory.sweep rho --schedules 'Polynomial(2)' Cosine --horizon 10000",
    )
    commands = parser.add_subparsers(dest="sweep", required=True, metavar="SWEEP")
    for name, purpose in SWEEPS.items():
        command = commands.add_parser(
            name, help=purpose, description=purpose, epilog=f"example: python -m lrtheory.sweep {name} --quick"
        )
        command.add_argument("--out", default="results", metavar="FOLDER", help="Where results go. Default: results.")
        add_workers(command, "Threads")
        command.add_argument("--json", action="store_true", help="Print the whole table as JSON, a record a row.")
        command.add_argument("--quick", action="store_true", help="A smaller sweep, in seconds.")
        if name in given[:1]:  # only the sweep that runs is imported
            add_fields(command, _module(name).DEFAULT)
    options = parser.parse_args(given)
    module = _module(options.sweep)
    try:
        config = read_fields(options, module.QUICK if options.quick else module.DEFAULT)
        check_workers(options)
        out = writable_folder(options.out)
    except ValueError as error:
        print(f"lrtheory sweep {options.sweep}: {error}", file=sys.stderr)
        return 2
    return _run(options, config, out)


def _run(options: argparse.Namespace, config: object, out: Path) -> int:
    from lrtheory.figures.provenance import provenance, write_record
    from lrtheory.figures.style import save
    from lrtheory.runs import Store
    from lrtheory.runs.tables import shown_table, write_csv

    module, cells = _module(options.sweep), out / "cells"
    try:
        with chosen_workers(options) as workers:
            frame = module.table(config, Store(cells), workers)
        figure = import_module(f"lrtheory.figures.{options.sweep}").draw(frame)
        write_csv(frame, out / f"{options.sweep}.csv")
        write_record(out, options.sweep, config, Store(cells))
        source = provenance(options.sweep, out)
        written = [out / f"{options.sweep}.csv", *save(figure, out / options.sweep, **source)]
    except KeyboardInterrupt:
        print(
            f"\nInterrupted. Finished cells are kept in {cells}; the same command goes on from there.", file=sys.stderr
        )
        return 1
    except FAILURES as failure:
        print(f"lrtheory sweep {options.sweep}: {sentence(failure)}", file=sys.stderr)
        return 1
    print(frame.to_json(orient="records", indent=1) if options.json else shown_table(module.summary(frame)))
    print(f"Written: {', '.join(map(str, written))}", file=sys.stderr)
    return 0


def _module(name: str) -> ModuleType:
    return import_module(f"lrtheory.sweeps.{name}")


if __name__ == "__main__":
    sys.exit(main())
