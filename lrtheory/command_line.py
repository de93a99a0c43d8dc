"""Commands made from frozen configurations: a field is an option, its documentation the help."""

import argparse
import dataclasses
import inspect
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from lrtheory.counts import count
from lrtheory.runs.cluster import LOCAL, ClusterError, connect
from lrtheory.runs.executor import Workers
from lrtheory.runs.processes import WorkerError
from lrtheory.runs.store import StoreError
from lrtheory.schedules import Schedule, parse

Config = TypeVar("Config")


def read_by(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader of options that says what is wrong with a text in the words of another one's ``ValueError``."""

    def value(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return value


schedule = read_by(parse)
"""The schedule that a text denotes."""


def add_fields(parser: argparse.ArgumentParser, defaults: Any) -> None:
    """An option for each field of a configuration; its help is what the class's ``Args`` say of the field."""
    help_of = dict(
        re.findall(r"^    (\w+): (.*(?:\n        .*)*)", inspect.getdoc(type(defaults)) or "", flags=re.MULTILINE)
    )
    for field in dataclasses.fields(defaults):
        several = get_origin(field.type) is tuple
        convert: Any = get_args(field.type)[0] if several else field.type
        if str in get_args(convert):  # a name, or an object for which there is no text
            convert = str
        own = read_by(convert.parse) if hasattr(convert, "parse") else convert
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type={int: count, Schedule: schedule}.get(convert, own),
            nargs="+" if several else None,
            metavar="NAME" if convert is str else convert.__name__.upper(),
            help=f"{' '.join(help_of[field.name].split())} Default: {_shown(getattr(defaults, field.name))}.".replace(
                "%", "%%"
            ),
        )


def read_fields(arguments: argparse.Namespace, defaults: Config) -> Config:
    """The configuration with the options that were given in the place of its defaults.

    Raises:
        ValueError: as the configuration's own checks.
    """
    given = {
        field.name: tuple(value) if isinstance(value, list) else value
        for field in dataclasses.fields(defaults)  # pyright: ignore[reportArgumentType]
        if (value := getattr(arguments, field.name)) is not None
    }
    return dataclasses.replace(defaults, **given)  # pyright: ignore[reportArgumentType, reportReturnType]


def add_workers(parser: argparse.ArgumentParser, here: str) -> None:
    """The options ``--workers`` (the number of threads or processes, as ``here`` says) and ``--dask``."""
    parser.add_argument(
        "--workers", type=count, metavar="N", help=f"The number of {here}. Default: one for each processor."
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help=f"Run on a Dask cluster: the address or the file of its scheduler, or {LOCAL} for --workers processes here.",
    )


def check_workers(options: argparse.Namespace) -> None:
    """Check the options of :func:`add_workers`.

    Raises:
        ValueError: a number below 1, or a number for a cluster that is not started here.
    """
    if options.workers is not None and options.workers < 1:
        raise ValueError(f"workers must be at least 1, not {options.workers}.")
    if options.workers is not None and options.dask not in (None, LOCAL):
        raise ValueError(f"--workers is for this machine: leave it out, or give --dask {LOCAL}.")


@contextmanager
def chosen_workers(options: argparse.Namespace) -> Iterator[Workers]:
    """The workers that the options ask for, for the time of the block.

    Raises:
        ClusterError: no cluster can be had.
    """
    if options.dask is None:
        yield options.workers
        return
    with connect(options.dask, options.workers) as cluster:
        yield cluster


FAILURES = (ClusterError, StoreError, WorkerError, ImportError, OSError)
"""What a command reports in one sentence; all that is finished is kept."""


def sentence(failure: BaseException) -> str:
    """What a failure says, in one line."""
    if isinstance(failure, OSError) and failure.strerror:
        where = failure.filename2 or failure.filename or "the folder of results"  # of two, where a file was to go
        return f"{where}: {failure.strerror.lower()}."
    return str(failure)


def writable_folder(text: str) -> Path:
    """A folder that results can be written to, made where it is missing.

    Raises:
        ValueError: it cannot be made or written to.
    """
    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--out {text} cannot be made: {(error.strerror or str(error)).lower()}.") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"--out {text} cannot be written to.")
    return folder


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        texts = [_shown(item) for item in value] or ["none"]
        return " ".join(texts if len(texts) <= 8 else [*texts[:2], "...", texts[-1]])
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return repr(text) if " " in text else text
