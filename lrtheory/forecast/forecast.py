"""A fitted law, and what it says of schedules, horizons and rates that were not run."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from lrtheory.checks import checked_horizon, checked_positive, checked_whole
from lrtheory.estimate import Estimate
from lrtheory.forecast.curve import Curve
from lrtheory.forecast.law import Features, Law
from lrtheory.schedules import Formula, Polynomial
from lrtheory.schedules.schedule import Schedule, checked_schedule
from lrtheory.statistics import percentile_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RATES = 30.0
"""Best rates are searched up to this factor beyond the rates of the fitted runs."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of a fit.

    Args:
        theta: The free ones, as the law names them.
        coefficients: The level, and the coefficients of the columns.
        cost: Mean size of the residuals.
        misfit: For a resampled fit, the final residuals of a schedule that it has not seen, over the logarithm of the peak rate.
    """

    theta: np.ndarray
    coefficients: np.ndarray
    cost: float
    misfit: np.polynomial.Polynomial | None = None

    def missed(self, peak: float) -> float:
        """The misfit at a peak rate; beyond the rates that were fitted it keeps its value at the nearest of them."""
        if self.misfit is None:
            return 0.0
        return float(self.misfit(np.clip(np.log(peak), float(self.misfit.domain[0]), float(self.misfit.domain[1]))))


@dataclass(frozen=True)
class Ranked:
    """Schedules in the order of their forecasts, the best first.

    Args:
        schedules: The shapes.
        losses: Their final losses at their rates.
        rates: The rates.
        better: The part of the resampled fits in which the row's schedule has a smaller loss than the column's.
    """

    schedules: tuple[Schedule, ...]
    losses: tuple[Estimate, ...]
    rates: tuple[float, ...]
    better: np.ndarray = field(repr=False)


@dataclass(frozen=True, eq=False)
class Forecast:
    """A law with its numbers: see the methods.

    Args:
        law: The law.
        span: Steps that count as one.
        rate: The peak rate that counts as one.
        best: The numbers of the fit.
        curves: The curves that were fitted.
        resampled: The numbers of each resampled fit, behind the intervals.
    """

    law: Law
    span: float
    rate: float
    best: Numbers
    curves: tuple[Curve, ...] = field(repr=False)
    resampled: tuple[Numbers, ...] = field(repr=False)

    def __str__(self) -> str:
        free = ", ".join(f"{each.name} {value:.3g}" for each, value in zip(self.law.free, self.best.theta))
        names = ("L0", *self.law.columns_of)
        linear = ", ".join(f"{name} {value:.4g}" for name, value in zip(names, self.best.coefficients))
        return f"{self.law.name}: {free}{', ' if free else ''}{linear}; residual rms {self.rms():.4f}"

    def rms(self, curves: Sequence[Curve] | None = None) -> float:
        """Root mean squared error on curves; on the fitted ones by default. Censored losses are left out."""
        errors = [
            (self.of_steps(c.steps, c.at) - c.losses)[~c.censored] for c in (self.curves if curves is None else curves)
        ]
        return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))

    def of_steps(self, steps: Any, at: Any) -> np.ndarray:
        """The losses that rates of any kind will have.

        Args:
            steps: Learning rates of a run.
            at: Numbers of steps in ``[1, T]``.
        """
        run = Curve(steps, at, np.zeros(np.size(at)))
        return self._losses(self._features(run.steps, run.at), run.peak, self.best)

    def curve(self, schedule: Schedule, horizon: int, lr: float, *, at: Any = None) -> np.ndarray:
        """The loss curve of a schedule.

        Args:
            schedule: The shape.
            horizon: Number of steps.
            lr: Base learning rate.
            at: Numbers of steps in ``[1, horizon]``, rising; by default every step.

        Returns:
            Losses, as many as ``at``.
        """
        steps = checked_schedule("schedule", schedule).steps(horizon, lr)
        return self.of_steps(steps, np.arange(1, len(steps) + 1) if at is None else at)

    def final(self, schedule: Schedule, horizon: int, lr: float) -> Estimate:
        """The loss after the last step, with a 95 % interval for a run (see :mod:`lrtheory.forecast.fitting`).

        Args:
            schedule: The shape.
            horizon: Number of steps.
            lr: Base learning rate.
        """
        features, peak = self._shape(schedule, horizon)
        return self._estimate(
            lambda numbers: self._at_rate(features, peak, lr, numbers) + numbers.missed(peak * lr / self.rate)
        )

    def finals(self, runs: Sequence[Any], *, less: Any = None) -> list[Estimate]:
        """The losses after the last steps of runs, with 95 % intervals over resampled curves.

        Args:
            runs: The learning rates of each run.
            less: The learning rates of a run whose loss is subtracted, within every resampled fit.
        """
        shapes = [self._read(steps) for steps in runs]
        other = None if less is None else self._read(less)

        def loss(shape: tuple[Features, float], numbers: Numbers) -> float:
            known = 0.0 if other is None else float(self._losses(*other, numbers)[-1])
            return float(self._losses(*shape, numbers)[-1]) - known

        return [self._estimate(lambda numbers, shape=shape: loss(shape, numbers)) for shape in shapes]

    def best_lr(self, schedule: Schedule, horizon: int) -> Estimate:
        """The base rate with the smallest forecast, with a 95 % interval for the runs of a schedule that was not fitted.

        It is searched up to a factor of 30 beyond the rates of the fitted runs. A law that has no best rate there gives an
        end of that range: the annealing and multi-power laws always do for a constant rate.

        Args:
            schedule: The shape.
            horizon: Number of steps.

        Warns:
            UserWarning: the runs of this schedule and horizon that were fitted have their smallest loss at another rate, so far
                from this one that other rates lie between: as when a run that almost diverged bends the fit.
        """
        features, peak = self._shape(schedule, horizon)
        found = self._estimate(lambda numbers: self._best_rate(features, peak, numbers))
        self._warn_of_contradiction(schedule, horizon, found.value)
        return found

    def _warn_of_contradiction(self, schedule: Schedule, horizon: int, lr: float) -> None:
        """Warn where the fitted runs of a schedule have another best rate, with rates between the two."""
        shape = schedule.steps(horizon)
        runs = {
            run.peak / shape.max(): float(run.losses[-1])
            for run in self.curves
            if len(run.steps) == run.at[-1] == horizon
            and np.allclose(run.steps, run.peak / shape.max() * shape, atol=0)
            if not run.censored[-1]
        }
        rates = sorted(runs)
        best = min(range(len(rates)), key=lambda place: runs[rates[place]], default=0)
        if 0 < best < len(rates) - 1 and not rates[best - 1] <= lr <= rates[best + 1]:
            warnings.warn(
                f"The best of the fitted runs of {schedule} over {horizon:,} steps has lr = {rates[best]:.3g}, and the fit says"
                f" {lr:.3g}: {self.law.name} does not describe these runs. If one of them almost diverged, leave it out.",
                stacklevel=3,
            )

    def ratio_of_best_rates(self, schedule: Schedule, other: Schedule, horizon: int, factor: float = 1.0) -> Estimate:
        """The best rate of one schedule over that of another, with a 95 % interval for runs of the first.

        Args:
            schedule: The shape above.
            other: The shape below, whose own best rate is the law's.
            horizon: Number of steps.
            factor: A number that the ratio is multiplied by.
        """
        above, below = self._shape(schedule, horizon), self._shape(other, horizon)
        return self._estimate(
            lambda numbers: (
                factor * self._best_rate(*above, numbers) / self._best_rate(*below, replace(numbers, misfit=None))
            )
        )

    def rank(self, schedules: Sequence[Schedule], horizon: int, *, lr: float | None = None) -> Ranked:
        """Schedules in the order of their final losses, under the law: what it gets wrong about each is not counted.

        Args:
            schedules: The shapes.
            horizon: Number of steps.
            lr: One base rate for all; by default each has its own best one.

        Raises:
            ValueError: no schedule is given.
        """
        if not schedules:
            raise ValueError("rank needs at least one schedule.")
        read = [self._shape(schedule, horizon) for schedule in schedules]
        rates = [self._best_rate(*shape, self.best) if lr is None else checked_positive("lr", lr) for shape in read]
        losses = [
            self._estimate(lambda numbers, s=shape, r=rate: self._at_rate(s[0], s[1], r, numbers))
            for shape, rate in zip(read, rates)
        ]
        drawn = np.array(
            [
                [self._at_rate(*shape, rate, numbers) for shape, rate in zip(read, rates)]
                for numbers in self.resampled or (self.best,)
            ]
        )
        order = np.argsort([loss.value for loss in losses], kind="stable")
        ordered = drawn[:, order]
        better = (ordered[:, :, None] < ordered[:, None, :]).mean(axis=0)
        return Ranked(
            tuple(schedules[i] for i in order), tuple(losses[i] for i in order), tuple(rates[i] for i in order), better
        )

    def best_schedule(self, horizon: int, *, pieces: int = 8) -> tuple[Schedule, float]:
        """The shape of linear pieces, and its base rate, with the smallest forecast of the final loss.

        Args:
            horizon: Number of steps.
            pieces: Number of linear pieces, which become shorter towards the end of the run.

        Returns:
            The schedule, whose largest value is 1, and its base rate. A local search from linear decay, *measured* and not
            proved. Laws of weighted noise have the gradient of all steps by the adjoint of their recursion
            (:mod:`lrtheory.forecast.steps_gradient`), two passes over the steps; for others it is taken by differences.
        """
        horizon = checked_horizon(horizon)
        knots = 1 - np.linspace(1, 0, checked_whole("pieces", pieces) + 1) ** 1.5
        places = np.arange(horizon) / horizon
        parts = np.array(
            [np.interp(places, knots, row) for row in np.eye(knots.size)[:-1]]
        )  # of each height in the steps
        noise = self.law.weighted_noise(self.best.theta, self.best.coefficients[1:])

        def loss(logarithms: np.ndarray) -> float:
            steps = np.exp(logarithms) @ parts
            return float(self.of_steps(steps, [horizon])[0])

        def loss_and_gradient(logarithms: np.ndarray) -> tuple[float, np.ndarray]:
            heights = np.exp(logarithms)
            assert noise is not None
            value, gradient = noise.value_and_gradient(heights @ parts, rate=self.rate, span=self.span)
            return value, heights * (parts @ gradient)

        linear = self.best_lr(Polynomial(1), horizon).value
        start, exact = np.log(linear * (1 - knots[:-1])), noise is not None
        found: Any = minimize(
            loss_and_gradient if exact else loss, start, jac=exact, method="L-BFGS-B", options={"maxiter": 60}
        )
        heights = np.append(np.exp(found.x), 0.0)
        lr = float(heights.max())
        heights = heights / lr
        branches = [
            f"({float(height)!r} + {float((following - height) / (end - begin))!r}*(u - {float(begin)!r}), "
            f"u < {float(end)!r})"
            for begin, height, end, following in zip(knots, heights, knots[1:], heights[1:])
        ]
        branches[-1] = f"({float(heights[-2] / (1 - knots[-2]))!r}*(1 - u), True)"
        name = f"best of {pieces} pieces for {horizon} steps"
        return Formula(f"Piecewise({', '.join(branches)})", name=name), lr

    def plot(self, curves: Sequence[Curve] | None = None, ax: "Axes | None" = None) -> "Axes":
        """Draw logged losses and forecasts against steps.

        Args:
            curves: The curves to draw; the fitted ones by default.
            ax: The axes to draw on; new ones by default.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots()[1]
        for curve in self.curves if curves is None else curves:
            (line,) = ax.plot(curve.at, curve.losses, ".", markersize=2, label=curve.name)
            ax.plot(curve.at, self.of_steps(curve.steps, curve.at), color=line.get_color(), linewidth=1)
        ax.set(xlabel="step", ylabel="loss")
        return ax

    def _features(self, steps: np.ndarray, at: np.ndarray) -> Features:
        return self.law.features(steps / (steps.max() * self.span), at)

    def _read(self, steps: Any) -> tuple[Features, float]:
        run = Curve(steps, np.array([np.size(steps)]), np.zeros(1))
        return self._features(run.steps, run.at), run.peak

    def _shape(self, schedule: Schedule, horizon: int) -> tuple[Features, float]:
        steps = checked_schedule("schedule", schedule).steps(horizon)
        return self._features(steps, np.array([steps.size])), float(steps.max())

    def _losses(self, features: Features, peak: float, numbers: Numbers) -> np.ndarray:
        size = next(iter(features.values())).shape[-1]
        return self._value(features | {"peak": np.full(size, peak / self.rate)}, numbers)

    def _value(self, features: Features, numbers: Numbers) -> np.ndarray:
        columns = np.column_stack(self.law.columns(features, numbers.theta))
        return numbers.coefficients[0] + columns @ numbers.coefficients[1:]

    def _at_rate(self, features: Features, peak: float, lr: float, numbers: Numbers) -> float:
        return float(self._losses(features, peak * lr, numbers)[-1])

    def _best_rate(self, features: Features, peak: float, numbers: Numbers) -> float:
        peaks = [curve.peak for curve in self.curves]
        tried = np.log(np.geomspace(min(peaks) / RATES, max(peaks) * RATES, 97) / peak)

        def loss(log_lr: float) -> float:
            lr = float(np.exp(log_lr))
            return self._at_rate(features, peak, lr, numbers) + numbers.missed(peak * lr / self.rate)

        place = int(np.argmin([loss(log_lr) for log_lr in tried]))
        if place in (0, len(tried) - 1):
            return float(np.exp(tried[place]))
        found: Any = minimize_scalar(loss, bounds=(tried[place - 1], tried[place + 1]), method="bounded")
        return float(np.exp(found.x))

    def _estimate(self, value: Any) -> Estimate:
        found = value(self.best)
        if not self.resampled:
            return Estimate(found, found, found)
        return Estimate(found, *percentile_interval(np.array([value(numbers) for numbers in self.resampled])))
