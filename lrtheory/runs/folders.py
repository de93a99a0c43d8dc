"""Folders of finished cells as tables, and copied into one another."""

import json
import os
from typing import Any

import pandas as pd

from lrtheory.runs.record import DamagedError, Record
from lrtheory.runs.store import Store, read, read_regular, set_aside, whole_file


def listed(store: Store) -> tuple[pd.DataFrame, dict[str, str]]:
    """One row per kind of cell: its number, hours and versions; and the damaged files, by name."""
    kinds: dict[str, dict[str, Any]] = {}
    damaged = {}
    for name, record in store.records():
        if isinstance(record, str):
            damaged[name] = record
            continue
        row = kinds.setdefault(record.kind, {"kind": record.kind, "cells": 0, "hours": 0.0, "lrtheory": set()})
        row["cells"] += 1
        row["hours"] += record.seconds / 3600
        row["lrtheory"].add(record.versions.get("lrtheory", "unknown"))
    rows = [
        row | {"hours": round(row["hours"], 4), "lrtheory": ", ".join(sorted(row["lrtheory"]))}
        for _, row in sorted(kinds.items())
    ]
    return pd.DataFrame(rows, columns=["kind", "cells", "hours", "lrtheory"]), damaged


def table(store: Store, kind: str | None = None) -> pd.DataFrame:
    """One row per cell, in the order of ids: its values as ``config.*``, its result as ``result.*``, lists as JSON.

    Damaged cells are left out. ``kind`` leaves only cells of that kind.
    """
    rows = [_row(record) for _, record in store.records() if isinstance(record, Record) and kind in (None, record.kind)]
    return pd.DataFrame(rows)


def merge(store: Store, source: Store) -> tuple[int, dict[str, str]]:
    """Copy what ``store`` lacks from ``source``: how many cells were copied, and what was left there as damaged, by name.

    A cell that is there already stays as it is, unless it is damaged: it is then set aside.
    """
    copied, damaged = 0, {}
    for name, record in source.records():
        path = store.folder / name
        if isinstance(record, str):
            damaged[name] = record
            continue
        if os.path.lexists(path):
            if isinstance(store.record(name), Record):
                continue
            set_aside(path)
        try:
            with whole_file(path) as temporary:
                temporary.write_bytes(read_regular(source.folder / name))
                read(temporary, path.stem)  # the file may have been changed since it was checked
        except DamagedError as error:
            damaged[name] = str(error)
            continue
        copied += 1
    return copied, damaged


def _row(record: Record) -> dict[str, Any]:
    row: dict[str, Any] = {"id": record.id, "kind": record.kind, "schema": record.schema}
    row |= {f"config.{name}": _plain(value) for name, value in record.config.items()}
    row |= {f"result.{name}": _plain(value) for name, value in record.result.items()}
    made_with = ", ".join(f"{package} {version}" for package, version in record.versions.items())
    return row | {"seconds": record.seconds, "versions": made_with}


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value
