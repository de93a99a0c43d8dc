"""What is trained on? One task per file: data, model and settings together.

``names()`` lists the tasks and ``get(name)`` builds one. A task's data come from the folder that the environment variable
``LRTHEORY_DATA`` names or, where there is none, from the public home of each data set; both are checked by SHA-256.
"""

from collections.abc import Callable
from importlib import import_module

from lrtheory.tasks.task import Data, Examples, FunctionTask, Settings, Task

_HOMES = {
    "synthetic": ("synthetic", "described"),
    "cifar10": ("cifar10", "task"),
    "rte": ("rte", "task"),
    "trec6": ("trec", "fine_tuned"),
    "imdb": ("imdb", "task"),
    "trec6-scratch": ("trec", "from_scratch"),
    "imdb-short": ("imdb", "short"),
    "synthetic-as-coded": ("synthetic", "as_coded"),
    "synthetic-draft": ("synthetic", "draft"),
}

FIVE = ("synthetic", "cifar10", "rte", "trec6", "imdb")
"""The five tasks of the published table, in its order."""

__all__ = ["FIVE", "Data", "Examples", "FunctionTask", "Settings", "Task", "get", "names"]


def names() -> tuple[str, ...]:
    """The names of the tasks: the five of the paper first.

    Example:
        >>> names()
        ('synthetic', 'cifar10', 'rte', 'trec6', 'imdb', 'trec6-scratch', 'imdb-short', 'synthetic-as-coded', 'synthetic-draft')
    """
    return tuple(_HOMES)


def get(name: str, *, encoder: str = "auto") -> Task:
    """The task of a name.

    Args:
        name: One of :func:`names`.
        encoder: For the tasks that fine-tune one: a folder, a name ``transformers`` knows, or ``"auto"``: DistilBERT
            (``distilbert-base-uncased``) or, where ``LRTHEORY_DATA`` is set, the first encoder in its ``models`` folder,
            DistilBERT before others.

    Raises:
        ValueError: there is no task of that name.

    Example:
        >>> get("synthetic").classes
        10
    """
    if name not in _HOMES:
        raise ValueError(f"{name!r} is not a task; the tasks are {', '.join(_HOMES)}.")
    module, builder = _HOMES[name]
    build: Callable[..., Task] = getattr(import_module(f"lrtheory.tasks.{module}"), builder)
    return build(encoder) if module in ("rte", "imdb") or name == "trec6" else build()


def __dir__() -> list[str]:
    return sorted(__all__)
