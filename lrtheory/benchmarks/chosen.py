"""The task and the strategy of a run: one of the package by its name, or one's own by its definition."""

from collections.abc import Iterable

from lrtheory import tasks
from lrtheory.optim import strategies
from lrtheory.optim.strategies import FAMILIES, PublishedStrategy, Strategy
from lrtheory.runs.definition import Definition
from lrtheory.tasks import Task


def task_of(given: str | Task | Definition, encoder: str = "auto") -> Task:
    """The task that a run or a benchmark names."""
    if isinstance(given, str):
        return tasks.get(given, encoder=encoder)
    return given.value if isinstance(given, Definition) else given


def strategy_of(given: str | Definition) -> Strategy:
    """The strategy that a run names."""
    return strategies.get(given) if isinstance(given, str) else given.value


def checked_tasks(given: Iterable[str | Task | Definition]) -> tuple[str | Definition, ...]:
    """The tasks of a benchmark, each once.

    Args:
        given: Names of the package's, ``my.py:Name``, ``package.module:Name``, or objects.

    Raises:
        ValueError: there is no such task, or one of one's own lacks something or has a name that is taken.
    """
    found: list[str | Definition] = []
    for each in given:
        if isinstance(each, str) and ":" not in each:
            if each not in tasks.names():
                raise ValueError(
                    f"task must be one of {', '.join(tasks.names())}, or one of your own as my.py:Name, not {each!r}."
                )
            found.append(each)
        else:
            found.append(_own(each, Task, ("name", "title", "family", "classes", "settings")))
            family = task_of(found[-1]).family
            if family not in FAMILIES:
                raise ValueError(f"the family of {found[-1]} must be one of {', '.join(FAMILIES)}, not {family!r}.")
    return _each_once(found, tasks.names())


def checked_strategies(given: Iterable[str | Strategy | Definition]) -> tuple[str | Definition, ...]:
    """The strategies of a benchmark, each once, the package's as the registry spells them.

    Args:
        given: Names of the package's, ``my.py:Name``, ``package.module:Name``, or objects.

    Raises:
        ValueError: there is no such strategy, or one of one's own lacks something or has a name that is taken.
    """
    found: list[str | Definition] = []
    for each in given:
        if isinstance(each, PublishedStrategy) and each in strategies.REGISTRY:
            found.append(each.name)
        elif isinstance(each, str) and ":" not in each:
            found.append(strategies.get(each).name)
        else:
            found.append(_own(each, Strategy, ("name", "lr")))
            if missing := [family for family in FAMILIES if family not in strategy_of(found[-1]).lr]:
                raise ValueError(f"{found[-1]} has no base rate for {missing[0]!r}: lr has one for each family.")
    return _each_once(found, strategies.names())


def _own(given: object, kind: type, needed: tuple[str, ...]) -> Definition:
    """A definition of one's own that is of a kind and has what is needed."""
    what = kind.__name__.lower()
    if isinstance(given, Definition):
        made = given
    elif isinstance(given, str):
        made = Definition.read(given, kind)
    elif isinstance(given, kind):
        made = Definition.of(given)
    else:
        raise ValueError(f"{given!r} is no {what}: give a name, my.py:Name, or an instance of a class of your own.")
    if missing := [name for name in needed if not hasattr(made.value, name)]:
        raise ValueError(f"the {what} {made.attribute} has no {missing[0]}.")
    return made


def _each_once(found: list[str | Definition], known: Iterable[str]) -> tuple[str | Definition, ...]:
    named: dict[str, str | Definition] = {}
    for each in found:
        if not isinstance(each, str) and each.text in known:
            raise ValueError(
                f"{each.attribute} is called {each.text!r} as one of the package's is: give it another name."
            )
        if named.setdefault(str(each), each) != each:
            raise ValueError(f"two different definitions are called {str(each)!r}: give one another name.")
    return tuple(named.values())
