"""Files of data sets: from a folder of one's own or from their public homes, never unchecked."""

import hashlib
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


class DataError(RuntimeError):
    """A data set is missing or is not what it should be; the message says which and what to do."""


@dataclass(frozen=True)
class File:
    """A file of the offline folder.

    Args:
        name: Its path inside the folder, with slashes.
        sha256: The SHA-256 of its bytes.
    """

    name: str
    sha256: str


@dataclass(frozen=True)
class Download:
    """A file at its public home.

    Args:
        name: The name of the copy here: a name, no path.
        sha256: The SHA-256 of its bytes.
        urls: The addresses that have it, over HTTPS, tried in order.

    Raises:
        ValueError: a home is not HTTPS, or the name would leave the folder of downloads.
    """

    name: str
    sha256: str
    urls: tuple[str, ...]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w[\w.-]*", self.name):
            raise ValueError(f"the name of a download is a plain file name, not {self.name!r}.")
        for url in self.urls:
            if not url.startswith("https://"):
                raise ValueError(f"downloads come over HTTPS only, not from {url}.")


def offline_folder() -> Path | None:
    """The folder that ``LRTHEORY_DATA`` names, or None.

    Raises:
        DataError: the variable names no folder.
    """
    text = os.environ.get("LRTHEORY_DATA", "")
    if not text:
        return None
    folder = Path(text)
    if not folder.is_dir():
        raise DataError(f"LRTHEORY_DATA names {text}, which is not a folder.")
    return folder


def cache_folder() -> Path:
    """Where downloads and tokens are kept: ``LRTHEORY_CACHE``, or ``lrtheory`` in the user's cache folder.

    Raises:
        DataError: the variable is not set, and the user has no home.
    """
    if chosen := os.environ.get("LRTHEORY_CACHE"):
        return Path(chosen)
    if caches := os.environ.get("XDG_CACHE_HOME"):
        return Path(caches) / "lrtheory"
    try:
        return Path.home() / ".cache" / "lrtheory"
    except RuntimeError:
        raise DataError("there is no home folder to keep downloads in; set LRTHEORY_CACHE to a folder.") from None


def local(file: File) -> Path:
    """The path of a file of the offline folder, checked.

    Raises:
        DataError: there is no such file, or its bytes are others.
    """
    folder = offline_folder()
    if folder is None:
        raise DataError(f"{file.name} is a file of an offline folder; set LRTHEORY_DATA to that folder.")
    path = folder / file.name
    if not path.is_file():
        raise DataError(
            f"{file.name} is not in {folder}; unset LRTHEORY_DATA to fetch the data set from its public home."
        )
    if sha256(path) != file.sha256:
        raise DataError(f"{path} has another SHA-256 than {file.sha256[:12]}...: it is damaged or another version.")
    return path


def download(wanted: Download) -> Path:
    """The path of a file from its public home, fetched once and checked.

    Raises:
        DataError: no home has it, or what they have are other bytes.
    """
    folder = cache_folder() / "downloads"
    path = folder / wanted.name
    if path.is_file() and sha256(path) == wanted.sha256:
        return path
    pooch = _pooch(wanted.name)
    reasons = []
    for url in wanted.urls:
        try:
            return Path(
                pooch.retrieve(url, f"sha256:{wanted.sha256}", fname=wanted.name, path=folder, progressbar=False)
            )
        except (OSError, ValueError) as error:  # requests raises OSErrors, pooch a ValueError for another hash
            reasons.append(f"{url} ({type(error).__name__})")
    raise DataError(
        f"{wanted.name} could not be downloaded from any of its addresses: {', '.join(reasons)}; "
        "with a copy of the data, set LRTHEORY_DATA to its folder."
    )


def sha256(path: Path) -> str:
    """The SHA-256 of a file, computed once for each size and time of change."""
    stat = path.stat()
    return _sha256(path, stat.st_size, stat.st_mtime_ns)


@cache
def _sha256(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _pooch(name: str) -> Any:
    try:
        import pooch
    except ImportError:
        raise DataError(
            f"{name} must be downloaded, which needs pooch: pip install 'lrtheory[data]', or set LRTHEORY_DATA to a folder "
            "that has the data."
        ) from None
    pooch.get_logger().setLevel("WARNING")
    return pooch
