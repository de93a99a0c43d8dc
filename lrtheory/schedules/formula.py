from dataclasses import dataclass, field

import numpy as np

from lrtheory.schedules.expression import read
from lrtheory.schedules.schedule import Schedule

PROBED, AT_HORIZON = 257, 1000
"""Points at which a new formula is evaluated, and the horizon for those that count steps."""


@dataclass(frozen=True, repr=False)
class Formula(Schedule):
    r"""A schedule of your own, written as a formula.

    Args:
        text: The shape :math:`h` in ``u`` (the part of the run that is over, from 0 to 1) and, for a shape that counts steps,
            ``t`` (the step, from 1) and ``T`` (the horizon). It may contain numbers, which are read exactly, ``pi``, ``E``,
            ``+ - * / % **``, comparisons, ``value if condition else value`` and the functions ``sqrt exp log sin cos tan sinh
            cosh tanh abs floor ceiling Mod Min Max Piecewise``. The text is read and never executed.
        name: How the schedule is shown in tables and figures; by default as it is written.

    Raises:
        ValueError: the text is no formula, or its values are negative, no finite numbers, or zero throughout.

    Example:
        >>> mine = Formula("(1 - u)**2 * exp(-u)", name="mine")
        >>> print(mine, mine.degree, mine.steps(2).round(3))
        mine 2 [1.    0.152]
        >>> Formula("max(0.1, 1 - u)")
        Formula('max(0.1, 1 - u)')
    """

    text: str
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        try:
            expression = read(self.text)
        except ValueError as reason:
            raise ValueError(f"{_cut(self.text)} is no formula in u: {reason}.") from None
        if not isinstance(self.name, str) or not self.name.isprintable():
            raise ValueError(f"name must be printable text, not {self.name!r}.")
        if self.name.partition("(")[0] in {family.__name__ for family in Schedule.__subclasses__()} - {"Formula"}:
            raise ValueError(f"name must not be that of another schedule, {self.name!r}.")
        self._set(name=self.name or f"Formula({self.text!r})")
        horizon = AT_HORIZON if expression.depends_on("t", "T") else PROBED
        done = np.arange(float(horizon))
        if not self._values(done / horizon, 1 + done, horizon).any():
            raise ValueError(f"{self} is zero throughout: a learning rate must not be.")

    def __repr__(self) -> str:
        anonymous = f"Formula({self.text!r})"
        return anonymous if self.name == anonymous else f"Formula({self.text!r}, name={self.name!r})"

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        return self.text


def _cut(text: object) -> str:
    shown = repr(text)
    return shown if len(shown) <= 80 else f"{shown[:60]}...{shown[-10:]}"
