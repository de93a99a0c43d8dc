"""A number with its interval: the one record for everything that is measured."""

from dataclasses import dataclass

from lrtheory.checks import checked_numbers, is_number


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Args:
        value: The estimate.
        low: Lower end of the interval.
        high: Upper end.

    Raises:
        ValueError: one of them is not a number.

    Example:
        >>> print(Estimate(0.5, 0.25, 1.0), f"{Estimate(0.5, 0.25, 1.0):.2f}")
        0.5 [0.25, 1] 0.50 [0.25, 1.00]
    """

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            if not is_number(value := getattr(self, name)):
                raise ValueError(f"{name} must be a number, not {value!r}.")
            object.__setattr__(self, name, float(checked_numbers(name, value)))

    def __format__(self, spec: str) -> str:
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    def __str__(self) -> str:
        return format(self, ".3g")
