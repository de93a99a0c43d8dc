"""How commands end: in order, with one sentence. Nothing large is imported here, so that an early Ctrl-C finds it ready."""

import io
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

GRACE = 1.0
"""Seconds in which threads that an interruption has left behind may end by themselves."""


def door(name: str, command: Callable[[], int]) -> NoReturn:
    """Run a command as the whole of a process, and end the process.

    The first Ctrl-C raises ``KeyboardInterrupt``, from which commands end with a sentence; the second ends the process
    there and then. Neither loses what is stored. Streams that are closed are as ``/dev/null``; a standard output that
    takes no more is reported in a sentence; signs that a terminal does not have are shown as escapes.

    Args:
        name: The name of the command, for messages.
        command: The command, all imports included, which returns the exit status.
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
    except (KeyboardInterrupt, Exception) as error:
        code = 1
        if isinstance(error, KeyboardInterrupt) or signal.getsignal(signal.SIGINT) is _ended:
            _tell(f"\nlrtheory {name}: interrupted.")  # some packages raise something else when they are interrupted
            os._exit(code)  # after an interrupted ``exec`` the interpreter would end itself by a signal
        if not isinstance(error, OSError):
            raise
        from lrtheory.command_line import sentence

        reason = (error.strerror or str(error)).lower()
        _tell(f"lrtheory {name}: {sentence(error) if error.filename else f'standard output: {reason}.'}")
        with suppress(OSError):  # what is left in the buffer has nowhere to go
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with suppress(OSError):
        sys.stderr.flush()
    threads = [each for each in threading.enumerate() if not each.daemon and each is not threading.main_thread()]
    for thread in threads:  # of worker processes that have ended
        thread.join(GRACE / len(threads))
    if any(thread.is_alive() for thread in threads):
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
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
