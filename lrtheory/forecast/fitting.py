r"""Laws fitted to logged curves.

For given free numbers the others are linear, so they are eliminated (variable projection) and the search runs over the free
ones only, from every start that the law names. Residuals count as squares up to 1.345 standard deviations (from their median)
and linearly beyond, Huber's loss, by reweighting. A censored loss counts only where the law is below it. Losses count alike,
so that a curve that was logged more often counts more.

Intervals resample whole schedules, all curves of one shape and length together: what is left of a curve hangs together, and
so do curves of one schedule at several rates. They are no independent draws. Where there are fewer than :data:`FEW` schedules,
curves are resampled.

A law that is fitted to other schedules also errs by what it gets wrong about the new one. So every resampled fit is tried on a
schedule that its resample left out, with several rates: its final residuals as a quadratic in the logarithm of the rate are the
fit's *misfit*, and best rates and final losses are those of the law and the misfit together: a prediction interval for a run,
where resampling alone gives a confidence interval for the law.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares, nnls

from lrtheory.checks import checked_whole
from lrtheory.forecast.curve import Curve
from lrtheory.forecast.forecast import Forecast, Numbers
from lrtheory.forecast.law import Features, Free, Law
from lrtheory.forecast.shrinking_gradients import ShrinkingGradients
from lrtheory.statistics import draws

HUBER = 1.345
"""Standard deviations up to which a residual counts as a square: 95 % efficient for normal residuals (Huber, 1964)."""
FIRST, ROUNDS = 2, 20
"""Reweightings from each of several starts, and then from the best at most; they end when no weight changes by more than
:data:`SETTLED`."""
SETTLED = 0.01
WIDEST = 1e9
"""The largest ratio of two peak rates in a fit: beyond it, powers of the rates leave the range of numbers."""
FEW = 5
RATES_OF_MISFIT = 4
"""Rates that a schedule needs so that a quadratic through its residuals does not pass through each of them."""
RESAMPLED = 30
"""Losses of a curve that a resampled fit takes, spread evenly."""


def fit(
    curves: Sequence[Curve],
    law: Law | None = None,
    *,
    resamples: int = 100,
    seed: int = 0,
    workers: int = 2,
) -> Forecast:
    """Fit a law to logged curves.

    Args:
        curves: The logged curves, at least one; together they have at least one loss more than the law has numbers.
        law: The law; by default :class:`ShrinkingGradients`.
        resamples: Number of resampled fits behind the intervals, 0 for none.
        seed: The seed of the resampling.
        workers: The number of threads that read the shapes.

    Returns:
        The forecast of other schedules, horizons and rates.

    Raises:
        TypeError: something in ``curves`` is no :class:`Curve`, or ``law`` is no law.
        ValueError: a number out of range, or too few losses for the law's numbers.

    Example:
        >>> from lrtheory import Constant, Cosine, WSD
        >>> at = np.arange(100, 2001, 100)
        >>> true = lambda schedule: 3 + (np.cumsum(schedule.steps(2000))[at - 1] / 2000) ** -0.5
        >>> runs = [Curve.of(each, 2000, 0.1, at=at, losses=true(each)) for each in (Constant(), Cosine())]
        >>> forecast = fit(runs, resamples=0)
        >>> round(float(forecast.final(WSD(0.2), 2000, 0.1).value - true(WSD(0.2))[-1]), 4) + 0
        0.0

    Source:
        Variable projection: Golub and Pereyra, 1973. The laws: see their modules.
    """
    law = ShrinkingGradients() if law is None else law
    if not isinstance(law, Law):
        raise TypeError(f"law must be a law such as those of lrtheory.forecast.LAWS, not {law!r}.")
    curves = list(curves)
    if not all(isinstance(curve, Curve) for curve in curves):
        raise TypeError("curves must be a sequence of Curve.")
    resamples, seed = checked_whole("resamples", resamples, 0), checked_whole("seed", seed, 0)
    workers = checked_whole("workers", workers)
    losses = sum(curve.at.size for curve in curves)
    if losses <= law.numbers:
        raise ValueError(
            f"{losses} losses are too few for the {law.numbers} numbers of {law.name}: at least {law.numbers + 1} are needed."
        )
    peaks = [curve.peak for curve in curves]
    if max(peaks) > WIDEST * min(peaks):
        raise ValueError(
            f"peak rates must lie within a factor of {WIDEST:g}, not from {min(peaks):g} to {max(peaks):g}."
        )
    problem = Problem.of(law, curves, workers)
    best = problem.solved(problem.starts)
    forecast = Forecast(law, problem.span, problem.rate, best, tuple(curves), ())
    if not resamples:
        return forecast
    thin, random, drawn = problem.thinned(RESAMPLED), np.random.default_rng(seed), []
    group = shapes(curves)
    if group.max() + 1 < FEW:
        group = np.arange(len(curves))
    groups = int(group.max()) + 1
    known = np.array([not curve.censored[-1] for curve in curves])
    wide = [
        each for each in range(groups) if np.unique(np.array(peaks)[(group == each) & known]).size >= RATES_OF_MISFIT
    ]
    for _ in range(resamples):
        (taken,) = draws(groups, 1, random)
        counts = np.bincount(taken, minlength=groups)
        part = thin.weighted(counts[group])
        if part is None:
            continue
        numbers = part.solved([part.told(best.theta)], rounds=2)
        unseen = [each for each in wide if counts[each] == 0]
        if unseen:
            numbers = replace(numbers, misfit=problem.misfit(numbers, group == random.choice(unseen)))
        drawn.append(numbers)
    return Forecast(law, problem.span, problem.rate, best, tuple(curves), tuple(drawn))


def shapes(curves: Sequence[Curve]) -> np.ndarray:
    """A number for each curve, the same for curves whose rates are proportional."""
    keys = [np.round(curve.steps / curve.peak, 12).tobytes() for curve in curves]
    numbered = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbered[key] for key in keys])


@dataclass(frozen=True, eq=False)
class Problem:
    """A law and all losses side by side.

    Args:
        law: The law.
        span: Steps that count as one.
        rate: The peak rate that counts as one.
        features: What the law's columns need.
        losses: All losses.
        censored: Which are only lower bounds.
        curve: The number of the curve that each loss belongs to.
        weight: The number of times that each loss counts.
    """

    law: Law
    span: float
    rate: float
    features: Features
    losses: np.ndarray
    censored: np.ndarray
    curve: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, law: Law, curves: Sequence[Curve], workers: int) -> "Problem":
        """Every shape is read once, at all places where a curve of that shape has a loss."""
        peaks = np.array([curve.peak for curve in curves])
        span = float(np.median([curve.steps.sum() / curve.peak for curve in curves]))
        rate = float(np.exp(np.mean(np.log(peaks))))
        group = shapes(curves)

        members = [np.flatnonzero(group == shape).tolist() for shape in range(group.max() + 1)]

        def read(alike: list[int]) -> tuple[np.ndarray, Features]:
            at = np.unique(np.concatenate([curves[i].at for i in alike]))
            first = curves[alike[0]]
            return at, law.features(first.steps / (first.peak * span), at)

        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(read, members))
        of_curve: dict[int, Features] = {}
        for alike, (at, features) in zip(members, found):
            for i in alike:
                rows = np.searchsorted(at, curves[i].at)
                of_curve[i] = {name: values[..., rows] for name, values in features.items()}
        joined = {
            name: np.concatenate([of_curve[i][name] for i in range(len(curves))], axis=-1) for name in of_curve[0]
        }
        sizes = [curve.at.size for curve in curves]
        joined["peak"] = np.repeat(peaks / rate, sizes)
        return cls(
            law, span, rate, joined,
            np.concatenate([curve.losses for curve in curves]), np.concatenate([curve.censored for curve in curves]),
            np.repeat(np.arange(len(curves)), sizes), np.ones(sum(sizes)),
        )  # fmt: skip

    @property
    def free(self) -> list[Free]:
        """The free numbers that the runs determine."""
        one_rate = np.ptp(np.log(self.features["peak"])) < 1e-6  # rates differ by more than rounding, or not at all
        return [each for each in self.law.free if not (one_rate and each.without_rates is not None)]

    @property
    def starts(self) -> list[np.ndarray]:
        """The first start of every number together, then each further start with the first ones of the others."""
        first = np.array([each.starts[0] for each in self.free])
        starts = [first]
        for j, each in enumerate(self.free):
            for other in each.starts[1:]:
                starts.append(np.where(np.arange(first.size) == j, other, first))
        return starts

    def predicted(self, numbers: Numbers) -> np.ndarray:
        """What a fit says of the losses."""
        columns = np.column_stack(self.law.columns(self.features, numbers.theta))
        return numbers.coefficients[0] + columns @ numbers.coefficients[1:]

    def misfit(self, numbers: Numbers, members: np.ndarray) -> np.polynomial.Polynomial:
        """The final residuals of some curves, of several rates, as a quadratic in the logarithm of the peak rate."""
        last = np.array([np.flatnonzero(self.curve == i)[-1] for i in np.flatnonzero(members)])
        last = last[~self.censored[last]]
        residuals = self.losses[last] - self.rows(last).predicted(numbers)
        return np.polynomial.Polynomial.fit(np.log(self.features["peak"][last]), residuals, 2)

    def theta(self, told: np.ndarray) -> np.ndarray:
        """All free numbers, from those that the runs determine."""
        values = iter(told)
        told_apart = self.free
        return np.array(
            [next(values) if each in told_apart else float(each.without_rates or 0.0) for each in self.law.free]
        )

    def rows(self, chosen: np.ndarray) -> "Problem":
        """Some of the losses."""
        features = {name: values[..., chosen] for name, values in self.features.items()}
        return Problem(
            self.law, self.span, self.rate, features, self.losses[chosen], self.censored[chosen], self.curve[chosen],
            self.weight[chosen],
        )  # fmt: skip

    def thinned(self, most: int) -> "Problem":
        """At most so many losses per curve, spread evenly; each also counts for those that are left out."""
        chosen, weight = [], []
        for i in np.unique(self.curve):
            rows = np.flatnonzero(self.curve == i)
            kept = np.unique(np.linspace(0, rows.size - 1, min(most, rows.size)).round().astype(int))
            chosen.append(rows[kept])
            weight.append(np.full(kept.size, rows.size / kept.size))
        return replace(self.rows(np.concatenate(chosen)), weight=np.concatenate(weight))

    def weighted(self, counts: np.ndarray) -> "Problem | None":
        """The problem with each curve counted so many times; None where too few losses are left."""
        part = self.rows(counts[self.curve] > 0)
        return replace(part, weight=part.weight * counts[part.curve]) if part.losses.size > self.law.numbers else None

    def linear(self, theta: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The level and the coefficients, none negative, and the predictions, at given free numbers."""
        columns = np.column_stack(self.law.columns(self.features, theta))
        total = weight.sum()
        mean, level = weight @ columns / total, weight @ self.losses / total
        scale = np.sqrt(weight)
        design, wanted = (columns - mean) * scale[:, None], (self.losses - level) * scale
        size = np.sqrt((design**2).sum(axis=0)) + 1e-300
        q, r = np.linalg.qr(design / size)
        projected = q.T @ wanted
        coefficients = np.linalg.lstsq(r, projected, rcond=None)[0] / size
        if (coefficients < 0).any():
            coefficients = nnls(r, projected)[0] / size
        coefficients = np.append(level - mean @ coefficients, coefficients)
        return coefficients, coefficients[0] + columns @ coefficients[1:]

    def solved(self, starts: Sequence[np.ndarray], rounds: int = ROUNDS) -> Numbers:
        """The best numbers from these starts."""
        best: Numbers | None = None
        for start in starts:
            numbers = self._settled(start, FIRST if len(starts) > 1 else rounds)
            if best is None or numbers.cost < best.cost:
                best = numbers
        assert best is not None
        return self._settled(self.told(best.theta), rounds) if len(starts) > 1 else best

    def told(self, theta: np.ndarray) -> np.ndarray:
        """The free numbers that the runs determine, out of all of them."""
        return np.array([value for value, each in zip(theta, self.law.free) if each in self.free])

    def _settled(self, told: np.ndarray, rounds: int) -> Numbers:
        """The numbers that a search from one start finds, reweighted so many times at most."""
        free, robust = self.free, np.ones(self.losses.size)
        low, high = (np.array([getattr(each, end) for each in free]) for end in ("low", "high"))
        for _ in range(rounds):
            active = self._active(told, robust)

            def residuals(values: np.ndarray, weight: np.ndarray = active) -> np.ndarray:
                return np.sqrt(weight) * (self.linear(self.theta(values), weight)[1] - self.losses)

            if free:
                margin = 1e-6 * (high - low)
                inside = np.clip(told, low + margin, high - margin)
                told = least_squares(
                    residuals, inside, bounds=(low, high), x_scale=0.1, ftol=1e-7, xtol=1e-6, max_nfev=60
                ).x
            predicted = self.linear(self.theta(told), active)[1]
            before, robust = robust, _huber(predicted - self.losses, active)
            if np.abs(robust - before).max() < SETTLED:
                break
        coefficients, predicted = self.linear(self.theta(told), self._active(told, robust))
        short = np.where(self.censored, np.minimum(predicted - self.losses, 0), predicted - self.losses)
        return Numbers(self.theta(told), coefficients, float(self.weight @ np.abs(short) / self.weight.sum()))

    def _active(self, told: np.ndarray, robust: np.ndarray) -> np.ndarray:
        """The weights of the losses: a censored one counts only where the law is below it."""
        weight = self.weight * robust
        if not self.censored.any():
            return weight
        known = np.where(self.censored, 0.0, weight)
        predicted = self.linear(self.theta(told), known)[1]
        return np.where(self.censored & (predicted >= self.losses), 0.0, weight)


def _deviation(residuals: np.ndarray, weight: np.ndarray) -> float:
    """The standard deviation of normal residuals whose absolute values have the same median."""
    sizes = np.abs(residuals[weight > 0])
    return float(1.4826 * np.median(sizes)) if sizes.size else 0.0


def _huber(residuals: np.ndarray, weight: np.ndarray) -> np.ndarray:
    reach = HUBER * _deviation(residuals, weight)
    return np.minimum(1.0, (reach + 1e-12) / (np.abs(residuals) + 1e-12))
