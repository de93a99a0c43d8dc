"""Strategies, tasks and the like from outside the package, as cells hold them."""

import hashlib
import inspect
import sys
from dataclasses import MISSING, dataclass, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, final

from lrtheory.runs.cell import Value


class ChangedError(ImportError):
    """The file of a definition changed while runs of it were under way; the message says which."""


@final
@dataclass(frozen=True)
class Definition(Value):
    """A class or an object of a module outside the package.

    It is described by its name, the values of its fields and the SHA-256 of the texts of the files that define it and the
    classes it derives from: a changed definition is another cell. What else these files import does not count. It is
    pickled by where it is, so that a worker process imports it; a worker that finds another text there refuses to compute.

    Args:
        module: The module that holds it.
        attribute: The qualified name of the class or of the object in that module.
        arguments: What the class is called with, by keyword; None for an object.
        digest: The SHA-256 of the texts of the files, or of the class where it was typed into an interpreter.
    """

    module: str
    attribute: str
    arguments: tuple[tuple[str, Any], ...] | None
    digest: str

    @classmethod
    def of(cls, value: Any) -> "Definition":
        """The definition of an instance of a class of one's own.

        Args:
            value: An instance of a class at the top level of a module: a frozen dataclass, or a class without settings.

        Raises:
            ValueError: the class cannot be found again by its name, its source text cannot be read, or the instance has
                settings that are no fields of a frozen dataclass.
        """
        kind = type(value)
        shown = f"{kind.__module__}:{kind.__qualname__}"
        if "<locals>" in kind.__qualname__:
            raise ValueError(
                f"{shown} must be a class at the top level of a file, so that other processes can import it."
            )
        if kind.__module__.partition(".")[0] == __name__.partition(".")[0]:
            raise ValueError(
                f"this {kind.__name__} is made of functions, which have no name of their own: "
                "give the file that defines it and its name there, as 'my.py:NAME'."
            )
        arguments: tuple[tuple[str, Any], ...] = ()
        if is_dataclass(value):
            arguments = tuple((field.name, getattr(value, field.name)) for field in fields(value) if field.init)
        elif vars(value):
            raise ValueError(f"{shown} has settings ({', '.join(vars(value))}), so it must be a frozen dataclass.")
        made = cls(kind.__module__, kind.__qualname__, arguments, _digest(kind.__module__, kind.__qualname__))
        try:
            hash(made)
        except TypeError:
            raise ValueError(f"the fields of {shown} must be plain values or tuples of these.") from None
        return made

    @classmethod
    def read(cls, text: str, kind: type) -> "Definition":
        """The definition that ``my.py:Name`` or ``package.module:Name`` names, a class without arguments or an object.

        The folder of a file is added to the end of ``sys.path``, where worker processes find it too.

        Args:
            text: The file or the module, a colon and the name.
            kind: What the class must derive from.

        Raises:
            ValueError: there is no such file, module or name, it cannot be imported, or it is of another kind.
        """
        where, _, name = text.rpartition(":")
        if not where or not name:
            raise ValueError(f"{text!r} names nothing: write my.py:Name or package.module:Name.")
        module = _imported(where)
        try:
            found = module
            for part in name.split("."):
                found = getattr(found, part)
        except AttributeError:
            near = get_close_matches(name, [known for known in vars(module) if known[0] != "_"], n=1)
            hint = f": did you mean {near[0]}?" if near else "."
            raise ValueError(f"{where} has no {name!r}{hint}") from None
        if not (issubclass(found, kind) if isinstance(found, type) else isinstance(found, kind)):
            raise ValueError(
                f"{text} is no {kind.__name__.lower()}: it must be a class that derives from {kind.__name__}."
            )
        if not isinstance(found, type):
            return cls(module.__name__, name, None, _digest(module.__name__, name))
        try:
            return cls.of(found())
        except TypeError as error:
            raise ValueError(f"{text} cannot be made without arguments: {error}.") from None

    @property
    def value(self) -> Any:
        """The object itself, imported where this process has not done so.

        Raises:
            ChangedError: the module is not what it was when the definition was made.
        """
        return _value(self)

    @property
    def text(self) -> str:
        """The name, with the fields that differ from their defaults."""
        value, given = self.value, dict(self.arguments or ())
        known = {field.name: _default(field) for field in fields(value)} if given else {}
        changed = ", ".join(f"{name}={each!r}" for name, each in given.items() if each != known[name])
        return f"{value.name}({changed})" if changed else value.name

    @property
    def more(self) -> dict[str, Any]:
        """The values of the fields, and the SHA-256 of the source text."""
        return {"fields": dict(self.arguments or ()), "source": self.digest}

    def __str__(self) -> str:
        return self.text


@cache
def _value(definition: Definition) -> Any:
    try:
        found: Any = import_module(definition.module)
        for part in definition.attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ChangedError(
            f"a worker process cannot import {definition.attribute} from the module {definition.module}: {error}."
        ) from None
    if _digest(definition.module, definition.attribute) != definition.digest:
        raise ChangedError(
            f"the file of {definition.module} changed while runs of it were under way: start the command again."
        )
    return found if definition.arguments is None else found(**dict(definition.arguments))


def _default(field: Any) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _imported(where: str) -> ModuleType:
    """The module of a file or of a name."""
    name = where
    if where.endswith(".py"):
        path = Path(where).resolve()
        if not path.is_file():
            raise ValueError(f"there is no file {where}.")
        name = path.stem
        _make_importable(path)
    try:
        return import_module(name)
    except Exception as error:  # whatever the file raises
        raise ValueError(f"{where} cannot be imported: {type(error).__name__}: {error}.") from None


def _make_importable(path: Path) -> None:
    """Have ``import`` find a file by its stem, here and in the worker processes, which inherit ``sys.path``."""
    if not path.stem.isidentifier():
        raise ValueError(
            f"{path.name} cannot be imported: its name must be a Python identifier, such as my_strategy.py."
        )
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec = find_spec(path.stem)
    if spec is None or spec.origin is None or Path(spec.origin).resolve() != path:
        raise ValueError(f"{path.name} cannot be imported: there is another module {path.stem!r}; rename the file.")


@cache  # when it is first asked for: what is in memory then
def _digest(module: str, attribute: str) -> str:
    """The SHA-256 of the texts of the files of a class and of the classes that it derives from, outside installed packages."""
    found: Any = sys.modules[module]
    for part in attribute.split("."):
        found = getattr(found, part)
    kind = found if isinstance(found, type) else type(found)
    sources = {module: found, **{each.__module__: each for each in kind.__mro__ if _is_own(each.__module__)}}
    try:
        texts = [_text(sys.modules[name], each) for name, each in sorted(sources.items())]
    except (OSError, TypeError):
        raise ValueError(f"the source text of {attribute} cannot be read: define it in a file.") from None
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _is_own(module: str) -> bool:
    """Whether a module is the user's, and neither of this package nor of the standard library nor installed."""
    package = module.partition(".")[0]
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    known = package in sys.stdlib_module_names or package == __name__.partition(".")[0]
    return (not known and "site-packages" not in file) or module == "__main__"


def _text(module: ModuleType, found: Any) -> str:
    file = getattr(module, "__file__", None)
    return Path(file).read_text(encoding="utf-8") if file else inspect.getsource(found)
