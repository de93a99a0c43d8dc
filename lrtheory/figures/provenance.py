"""Which table a figure is drawn from, and which command, cells and versions made that table.

Beside each table ``NAME.csv`` of an experiment lies ``NAME.json``, its record; :data:`lrtheory.figures.FIGURES` says from
which tables a figure is drawn.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from shlex import quote
from typing import Any

import pandas as pd

from lrtheory.figures.registry import FIGURES
from lrtheory.runs import Experiment
from lrtheory.runs.cell import describe
from lrtheory.runs.record import Record
from lrtheory.runs.store import Store, StoreError, whole_file


def provenance(name: str, folder: Path) -> dict[str, str]:
    """What the metadata of a figure says of where it comes from.

    Args:
        name: The name of the figure.
        folder: The folder of its tables.

    Returns:
        ``figure``, the command that draws it; and for each table its SHA-256 and, where the table has a record, the
        command that made it, the number of its cells with the SHA-256 of their ids, and the versions.

    Raises:
        FileNotFoundError: a table is missing.
    """
    found = {"figure": f"python -m lrtheory.figures {name}"}
    for table in FIGURES[name].tables:
        found[f"{table}.csv"] = f"sha256 {_sha256(folder, table)}"
        if record := read_record(folder, table):
            versions = ", ".join(f"{package} {version}" for package, version in record["versions"].items())
            found[f"{table}.csv"] += (
                f", made by {record['command']}, cells {record['cells']} (sha256 of their ids {record['cells_sha256']}), "
                f"with {versions}"
            )
    return found


def read_record(folder: Path, table: str) -> dict[str, Any] | None:
    """The record of a table, or None where it has none."""
    path = folder / f"{table}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def write_record(folder: Path, table: str, experiment: Experiment, store: Store) -> None:
    """Write beside the table of an experiment what made it.

    Args:
        folder: The folder of the table.
        table: The name of the table, which is also the experiment's.
        experiment: The experiment with its configuration.
        store: The store of the results of its cells. The record is of the cells that were asked for with it.

    Raises:
        StoreError: a cell that was there a moment ago is not there any more.
    """
    read: list[Record] = []
    for name in store.asked:
        found = store.record(f"{name}.json")
        if isinstance(found, str):
            raise StoreError(f"{store.folder / name}.json {found}; the same command computes it again.")
        read.append(found)
    packages = sorted({package for record in read for package in record.versions})
    record = {
        "sha256": _sha256(folder, table),
        "command": _command(table, experiment),
        "config": describe(experiment)["config"],
        "cells": len(read),
        "cells_sha256": ids_digest(store.asked),
        "seconds": round(sum(record.seconds for record in read), 1),
        "versions": {
            package: " or ".join(sorted({record.versions[package] for record in read if package in record.versions}))
            for package in packages
        },
    }
    with whole_file(folder / f"{table}.json") as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _command(table: str, experiment: Experiment) -> str:
    given, default = [], type(experiment)()
    for name, value in vars(experiment).items():
        if value != getattr(default, name):
            values = value if isinstance(value, tuple) else (value,)
            given += [f"--{name.replace('_', '-')}", *(quote(str(each)) for each in values)]
    return " ".join([f"python -m lrtheory.sweep {table}", *given])


def ids_digest(ids: Iterable[str]) -> str:
    """The SHA-256 of the ids of cells, each once, sorted, one on each line.

    Example:
        >>> ids_digest(["b", "a"]) == ids_digest(["a", "b", "a"])
        True
    """
    return hashlib.sha256("".join(f"{name}\n" for name in sorted(set(ids))).encode()).hexdigest()


def records(folder: Path) -> pd.DataFrame:
    """One row for each figure and table: how to reproduce it, with the seconds on one core where they are known."""
    rows = []
    for name, figure in FIGURES.items():
        for table in figure.tables or ("",):
            record = read_record(folder, table) or {}
            shown = {key: record.get(key) for key in ("command", "cells", "seconds")}
            rows.append({"figure": name, "table": table, **shown})
    return pd.DataFrame(rows)


def _sha256(folder: Path, table: str) -> str:
    return hashlib.sha256((folder / f"{table}.csv").read_bytes()).hexdigest()
