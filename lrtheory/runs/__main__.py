"""``lrtheory runs``: what is stored in a folder, whether it is whole, and how to take it elsewhere."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lrtheory.door import door
from lrtheory.runs.checkpoint import body
from lrtheory.runs.folders import listed, merge, table
from lrtheory.runs.record import DamagedError
from lrtheory.runs.store import Store, whole_file
from lrtheory.runs.tables import shown_table, write_csv

FORMATS = {".csv": "CSV", ".parquet": "Parquet"}


def main(arguments: Sequence[str] | None = None) -> int:
    """List, check, merge or export stored cells; 0 when done, 1 where something is damaged or fails, 2 for bad usage."""
    parser = argparse.ArgumentParser(
        prog="lrtheory runs",
        description="List, check, merge and export the finished cells of a folder of results.",
        epilog="example: lrtheory runs verify results",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (command, purpose) in COMMANDS.items():
        added = commands.add_parser(name, help=purpose, description=purpose)
        added.set_defaults(command=command, name=name)
        added.add_argument(
            "folder", metavar="FOLDER", help="The folder that --out named, or the folder of cells in it."
        )
        if name == "ls":
            added.add_argument("--json", action="store_true", help="Print the table as JSON, one record per row.")
        if name == "merge":
            added.add_argument("sources", nargs="+", metavar="FROM", help="Folders whose cells are copied into FOLDER.")
        if name == "export":
            added.add_argument(
                "file", metavar="FILE", help="The file to write; its name ends in .csv, or in .parquet (needs pyarrow)."
            )
            added.add_argument("--kind", metavar="KIND", help="Export only the cells of this kind, as ls names it.")
    options = parser.parse_args(sys.argv[1:] if arguments is None else list(arguments))
    try:
        return options.command(options)
    except ValueError as error:
        print(f"lrtheory runs {options.name}: {error}", file=sys.stderr)
        return 2
    except (ImportError, OSError) as error:
        print(f"lrtheory runs {options.name}: {error}", file=sys.stderr)
        return 1


def _ls(options: argparse.Namespace) -> int:
    store = _store(options.folder)
    frame, damaged = listed(store)
    print(frame.to_json(orient="records", indent=1) if options.json else shown_table(frame))
    for line in (*_leftovers(store), *([f"{len(damaged)} damaged: see verify."] if damaged else [])):
        print(line, file=sys.stderr)
    return 0


def _verify(options: argparse.Namespace) -> int:
    store = _store(options.folder)
    frame, damaged = listed(store)
    damaged |= _damaged_checkpoints(store)
    for name, fault in damaged.items():
        print(f"{_printable(name)} {fault}")
    for line in (*_leftovers(store), f"{frame['cells'].sum()} cells are whole, {len(damaged)} files damaged."):
        print(line, file=sys.stderr)
    return 1 if damaged else 0


def _merge(options: argparse.Namespace) -> int:
    sources = [_store(folder) for folder in options.sources]
    target = Path(options.folder)
    store = _store(options.folder) if target.exists() else Store(target / "cells")
    faults = {}
    for source in sources:
        copied, damaged = merge(store, source)
        faults |= {f"{source.folder}/{name}": fault for name, fault in damaged.items()}
        print(f"{copied} cells copied from {source.folder}.", file=sys.stderr)
    for name, fault in faults.items():
        print(f"{_printable(name)} {fault}")
    return 1 if faults else 0


def _export(options: argparse.Namespace) -> int:
    store, path = _store(options.folder), Path(options.file)
    if path.suffix not in FORMATS:
        raise ValueError(f"FILE must end in {' or '.join(FORMATS)}, not {path.name!r}.")
    frame = table(store, options.kind)
    if frame.empty:
        raise ValueError(f"{store.folder} holds no cell{f' of kind {options.kind!r}' if options.kind else ''}.")
    if path.suffix == ".csv":
        write_csv(frame, path)
    else:
        try:
            with whole_file(path) as temporary:
                frame.to_parquet(temporary, index=False)
        except ImportError:
            raise ImportError("Parquet needs pyarrow: pip install 'lrtheory[parquet]', or export CSV.") from None
    print(f"Written: {path} ({len(frame)} cells)", file=sys.stderr)
    return 0


COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], int], str]] = {
    "ls": (_ls, "List what a folder holds, one row per kind of cell."),
    "verify": (_verify, "Check every file and name those that are damaged; the exit status is 1 if there are any."),
    "merge": (_merge, "Copy the cells of other folders into one folder."),
    "export": (_export, "Write one table with one row per cell, as CSV or Parquet."),
}


def _store(text: str) -> Store:
    folder = Path(text)
    if not folder.is_dir():
        raise ValueError(f"{text} is no folder.")
    return Store(folder / "cells" if (folder / "cells").is_dir() else folder)


def _printable(name: str) -> str:
    """The name of a file as it can be shown: one with control characters could give the terminal orders."""
    return name if name.isprintable() else ascii(name)


def _leftovers(store: Store) -> Iterator[str]:
    """What else the folder holds, one sentence per kind of file."""
    names = sorted(path.name for path in store.folder.iterdir())
    kinds = {
        "set aside as damaged before": [name for name in names if ".damaged-" in name],
        "left by interrupted writes (delete them when nothing runs)": [
            name for name in names if name[0] == "." and name.endswith(".json")
        ],
        "of unfinished cells, in checkpoints": [path.name for path in _checkpoints(store)],
    }
    kinds["not of this program"] = sorted(
        set(names) - {name for name in names if name.endswith(".json")} - {"checkpoints"} - set().union(*kinds.values())
    )
    for kind, found in kinds.items():
        if found:
            shown = ", ".join(map(_printable, found[:3]))
            yield f"{len(found)} {kind}: {shown}{', ...' if len(found) > 3 else ''}"


def _checkpoints(store: Store) -> list[Path]:
    return sorted((store.folder / "checkpoints").glob("[!.]*.checkpoint"))


def _damaged_checkpoints(store: Store) -> dict[str, str]:
    damaged = {}
    for path in _checkpoints(store):
        try:
            body(path)
        except DamagedError as error:
            damaged[f"checkpoints/{path.name}"] = str(error)
        except OSError as error:
            damaged[f"checkpoints/{path.name}"] = f"cannot be read ({error.strerror})"
    return damaged


if __name__ == "__main__":
    door("runs", main)
