"""Commands made from frozen configurations (a field is an option, its documentation the help), and how they end."""

import argparse
import dataclasses
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args, get_origin

from lrtheory.runs.cluster import LOCAL, ClusterError, connect
from lrtheory.runs.execute import Workers
from lrtheory.runs.processes import WorkerError
from lrtheory.runs.store import StoreError

Config = TypeVar("Config")


def add_fields(parser: argparse.ArgumentParser, defaults: Any) -> None:
    """An option for each field of a configuration; its help is the field's line in the class's ``Args``."""
    help_of = dict(re.findall(r"^ +(\w+): (.*)$", type(defaults).__doc__ or "", flags=re.MULTILINE))
    for field in dataclasses.fields(defaults):
        several = get_origin(field.type) is tuple
        convert: Any = get_args(field.type)[0] if several else field.type
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=convert,
            nargs="+" if several else None,
            metavar=convert.__name__.upper() if convert is not str else "NAME",
            help=f"{help_of.get(field.name, '')} Default: {_shown(getattr(defaults, field.name))}.".replace("%", "%%"),
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
    """The options ``--workers`` (which are ``here``: threads or processes) and ``--dask``."""
    parser.add_argument("--workers", type=int, metavar="N", help=f"{here}. Default: one for each processor.")
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


def door(name: str, command: Callable[[], int]) -> NoReturn:
    """Run a command as the whole of a process, and end the process.

    The first Ctrl-C raises ``KeyboardInterrupt``, from which commands end with a sentence; the second ends the process
    there and then. Neither loses what is stored. Streams that are closed are as ``/dev/null``; a standard output that
    takes no more is reported in a sentence; signs that a terminal does not have are shown as escapes.

    Args:
        name: Of the command, for messages.
        command: What it does, all imports included. It returns the exit status.
    """
    code: Any = 1
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started it has it ignored
            signal.signal(signal.SIGINT, _interrupted)
        _open_streams()
        try:
            code = command()
        except SystemExit as ended:  # argparse has printed what there is to say
            code = ended.code
        sys.stdout.flush()
    except KeyboardInterrupt:
        _tell(f"\nlrtheory {name}: interrupted.")
    except OSError as error:
        code = 1
        reason = (error.strerror or str(error)).lower()
        _tell(f"lrtheory {name}: {sentence(error) if error.filename else f'standard output: {reason}.'}")
        with suppress(OSError):  # what is left in the buffer has nowhere to go
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with suppress(OSError):
        sys.stderr.flush()
    if any(not thread.daemon and thread is not threading.main_thread() for thread in threading.enumerate()):
        os._exit(code)  # cells that are under way after an interruption: nobody waits for them
    sys.exit(code)


def _interrupted(*_: Any) -> NoReturn:
    signal.signal(signal.SIGINT, _ended)
    raise KeyboardInterrupt


def _ended(*_: Any) -> NoReturn:
    _tell("\nInterrupted again: ended at once. What is finished is kept.")
    os._exit(1)


def _tell(text: str) -> None:
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def _open_streams() -> None:
    """Give closed streams a place, so that no file of results is opened under their numbers, and any text is printed."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115: for as long as the process
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


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
    return f"{value:g}" if isinstance(value, float) else str(value)
