"""What was logged of a run: the rates of its steps, and losses at some of them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrtheory.checks import checked_numbers
from lrtheory.schedules.schedule import Schedule, checked_schedule

LARGEST_LOSS = 1e15
"""The largest loss that is accepted: powers of a larger one would leave the range of numbers."""


@dataclass(frozen=True, eq=False)
class Curve:
    r"""The rates of a run and the losses that were logged, all of them or the final one.

    Args:
        steps: Learning rates :math:`\eta_1..\eta_T`, finite, none negative, one positive.
        at: Numbers of steps after which a loss was logged, in ``[1, T]`` and rising.
        losses: Losses, finite, within 1e15 of zero, as many as ``at``.
        censored: Which losses are only known to be at least as large as given (a run that diverged), as many as ``at`` or
            one for all.
        name: The name that tables and figures show.

    Raises:
        ValueError: one of these out of range, in one sentence.

    Example:
        >>> from lrtheory import Cosine
        >>> run = Curve.of(Cosine(), 1000, 0.1, at=[500, 1000], losses=[3.2, 3.0])
        >>> run.peak, run
        (0.1, Curve('Cosine()', 1000 steps, peak rate 0.1, 2 losses))
    """

    steps: np.ndarray = field(repr=False)
    at: np.ndarray
    losses: np.ndarray
    censored: Any = False
    name: str = ""

    def __post_init__(self) -> None:
        steps, at, losses = (checked_numbers(name, getattr(self, name)) for name in ("steps", "at", "losses"))
        if steps.ndim != 1 or not (np.isfinite(steps).all() and (steps >= 0).all() and (steps > 0).any()):
            raise ValueError("steps must be a one-dimensional sequence of finite rates, none negative, one positive.")
        if at.ndim != 1 or at.size == 0 or at.shape != losses.shape:
            raise ValueError("at and losses must be as many, and at least one.")
        if not np.isfinite(losses).all():
            raise ValueError(
                "losses must be finite: for a run that diverged give a loss that it exceeds, and censored=True."
            )
        if np.abs(losses).max() > LARGEST_LOSS:
            raise ValueError(f"losses must lie within {LARGEST_LOSS:g} of zero: choose another unit.")
        if (at != np.round(at)).any() or (np.diff(at) <= 0).any() or at[0] < 1 or at[-1] > steps.size:
            raise ValueError(f"at must be rising whole numbers of steps from 1 to {steps.size}.")
        if not (steps[: int(at[0])] > 0).any():
            raise ValueError("a loss was logged before the first step of a positive rate.")
        censored = np.asarray(self.censored)
        if censored.dtype != bool or censored.shape not in ((), at.shape):
            raise ValueError("censored must be true or false, for each loss or for all.")
        censored = np.broadcast_to(censored, at.shape)
        for name, value in (("steps", steps), ("at", at.astype(np.int64)), ("losses", losses), ("censored", censored)):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        numbers = f"{self.steps.size} steps, peak rate {self.peak:g}, {self.at.size} losses"
        return f"Curve({self.name!r}, {numbers})"

    @property
    def peak(self) -> float:
        """The largest rate of the run."""
        return float(self.steps.max())

    @classmethod
    def of(
        cls, schedule: Schedule, horizon: int, lr: float, *, at: Any = None, losses: Any, censored: Any = False
    ) -> "Curve":
        """The curve of a run under a schedule.

        Args:
            schedule: The shape.
            horizon: Number of steps.
            lr: Base learning rate.
            at: As in :class:`Curve`; by default one loss at the end.
            losses: As in :class:`Curve`.
            censored: As in :class:`Curve`.
        """
        steps = checked_schedule("schedule", schedule).steps(horizon, lr)
        return cls(steps, np.atleast_1d(horizon if at is None else at), np.atleast_1d(losses), censored, schedule.name)
