"""Commands made from frozen configurations: a field is an option, its documentation the help."""

import argparse
import dataclasses
import os
import re
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

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
        texts = [_shown(item) for item in value]
        return " ".join(texts if len(texts) <= 8 else [*texts[:2], "...", texts[-1]])
    return f"{value:g}" if isinstance(value, float) else str(value)
