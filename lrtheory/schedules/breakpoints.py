"""Where a formula changes from one smooth piece to the next."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from lrtheory.schedules.expression import Expression

LOOKED_AT = 256
"""Points between which a change of sign is looked for, where a difference is not linear in ``u``."""
MOST = 1000
"""Breakpoints that are followed; more are refused."""


def breakpoints(expression: Expression, context: Any, values: Callable[[Any], dict[str, Any]]) -> list[Any]:
    """The parts of a run at which a formula may jump or have a kink, ascending and inside (0, 1).

    Conditions are followed only where their branch is the one that holds. Where a difference is linear in ``u``, as almost
    always, its root is exact to the digits of the context; elsewhere changes of sign between 256 points are bisected.

    Args:
        expression: The formula.
        context: An mpmath context with the digits that are wanted.
        values: ``u``, ``t`` and ``T`` for a given ``u``.

    Raises:
        ValueError: there are more than 1,000.

    Example:
        >>> import mpmath
        >>> from lrtheory.schedules.expression import read
        >>> formula = read("Piecewise((Min(1, 5*u), u < 1/2), (floor(4*(1 - u)), True))")
        >>> found = breakpoints(formula, mpmath.mp.clone(), lambda u: {"u": u})
        >>> [float(point) for point in found]
        [0.2, 0.5, 0.75]
    """
    inside = _Inside(context, values)
    found = sorted(inside.points(expression, context.mpf(0), context.mpf(1)))
    return [point for point in found if 0 < point < 1]


class _Inside:
    """The search in one context."""

    def __init__(self, context: Any, values: Callable[[Any], dict[str, Any]]):
        self.context, self.values = context, values

    def points(self, node: Expression, low: Any, high: Any) -> set[Any]:
        if not node.depends_on("u", "t"):
            return set()
        if node.operation == "Piecewise":
            return self._of_branches(node, low, high)
        found = set().union(*(self.points(argument, low, high) for argument in node.arguments))
        if node.operation in ("Min", "Max"):
            differences = [Expression("-", (node.arguments[0], other)) for other in node.arguments[1:]]
            for one, other in pairwise(node.arguments[1:]):
                differences.append(Expression("-", (one, other)))
            found = found.union(*(self._roots(each, low, high) for each in differences))
        elif node.operation == "abs":
            found |= self._roots(node.arguments[0], low, high)
        elif node.operation in ("floor", "ceiling"):
            found |= self._whole(node.arguments[0], low, high)
        elif node.operation == "Mod":
            found |= self._whole(Expression("/", node.arguments), low, high)
        if len(found) > MOST:
            raise ValueError(f"it changes its formula at more than {MOST} points")
        return found

    def _of_branches(self, node: Expression, low: Any, high: Any) -> set[Any]:
        found = set().union(*(self._of_condition(each, low, high) for each in node.arguments[1::2]))
        for start, end in pairwise([low, *sorted(found), high]):
            middle = self.values((start + end) / 2)
            for value, condition in zip(node.arguments[::2], node.arguments[1::2]):
                if condition.digits(self.context, middle):
                    found |= self.points(value, start, end)
                    break
        return found

    def _of_condition(self, condition: Expression, low: Any, high: Any) -> set[Any]:
        if condition.operation == "true":
            return set()
        if condition.operation in ("and", "or"):
            return set().union(*(self._of_condition(each, low, high) for each in condition.arguments))
        return self._roots(Expression("-", condition.arguments), low, high)

    def _roots(self, difference: Expression, low: Any, high: Any, level: int = 0) -> set[Any]:
        def at(u: Any) -> Any:
            try:
                return self.context.re(difference.digits(self.context, self.values(u))) - level
            except (ZeroDivisionError, ValueError):
                return self.context.nan

        start, middle, end = (at(low + (high - low) * part / 4) for part in (1, 2, 3))
        slope = (end - start) * 2 / (high - low)
        size = max(abs(start), abs(end))
        if abs(start + end - 2 * middle) <= size * self.context.eps * 1000:  # linear
            root = low + (high - low) / 2 - middle / slope if slope else low
            return {root} if low < root < high else set()
        points = [low + (high - low) * k / LOOKED_AT for k in range(1, LOOKED_AT)]
        heights = [at(point) for point in points]
        return {
            self._bisected(at, one, other)
            for (one, other), (a, b) in zip(pairwise(points), pairwise(heights))
            if a * b < 0 or a == 0
        }

    def _bisected(self, at: Callable[[Any], Any], low: Any, high: Any) -> Any:
        sign = at(low) < 0
        for _ in range(min(self.context.prec, 200)):
            middle = (low + high) / 2
            low, high = (middle, high) if (at(middle) < 0) == sign else (low, middle)
        return (low + high) / 2

    def _whole(self, argument: Expression, low: Any, high: Any) -> set[Any]:
        """Where the argument is a whole number."""
        heights = []
        for k in range(1, LOOKED_AT):
            try:
                heights.append(
                    self.context.re(argument.digits(self.context, self.values(low + (high - low) * k / LOOKED_AT)))
                )
            except (ZeroDivisionError, ValueError):
                continue
        if not heights:
            return set()
        least, most = int(self.context.floor(min(heights))), int(self.context.ceil(max(heights)))
        if most - least > MOST:
            raise ValueError(f"it changes its formula at more than {MOST} points")
        return set().union(*(self._roots(argument, low, high, level) for level in range(least, most + 1)))
