"""``python -m lrtheory.figures [NAME]``: draw every figure, or one."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from lrtheory.command_line import writable_folder

NOT_FIGURES = ("__main__", "style")


def names() -> list[str]:
    """The figures: a module each, with ``data()`` and ``draw()``."""
    return sorted(
        module.name for module in iter_modules([str(Path(__file__).parent)]) if module.name not in NOT_FIGURES
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw figures as PNG and PDF; 0 when all are drawn, 1 where a table is missing, 2 for bad usage."""
    parser = argparse.ArgumentParser(
        prog="python -m lrtheory.figures",
        description="Draw the figures from the committed tables, or from scratch where that takes seconds.",
        epilog="example: python -m lrtheory.figures note_schedules --out drawn",
    )
    parser.add_argument("name", nargs="?", choices=names(), metavar="NAME", help=f"One of {', '.join(names())}.")
    parser.add_argument("--out", default="figures", metavar="FOLDER", help="Where they go. Default: figures.")
    options = parser.parse_args(arguments)
    try:
        out = writable_folder(options.out)
    except ValueError as error:
        print(f"lrtheory figures: {error}", file=sys.stderr)
        return 2
    from lrtheory.figures.style import save

    missing, written = [], []
    for name in [options.name] if options.name else names():
        figure = import_module(f"lrtheory.figures.{name}")
        try:
            frame = figure.data()
        except FileNotFoundError as error:
            missing.append(f"{name} ({error.filename})")
            continue
        written += save(figure.draw(frame), out / name)
    if written:
        print("\n".join(map(str, written)))
    if missing:
        print(f"lrtheory figures: the tables of these figures are missing: {', '.join(missing)}.", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
