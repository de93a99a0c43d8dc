r"""The law of misspecification: what a base rate wrong by ``rho`` costs under each schedule.

**Statement.** Let :math:`\eta_t=\eta\,h((t-1)/T)` with a shape that anneals like :math:`(1-u)^p`, and

.. math:: H(\tau)=\int_\tau^1h, \qquad Q(\tau)=\int_\tau^1\frac{h^2}H .

As :math:`T\to\infty` the worst case of the last iterate on a domain of diameter :math:`D`
(:mod:`lrtheory.theory.last_iterate`) is

.. math:: W(\eta)\;\sim\;\min_\tau\;\frac12\Big[\frac{D^2}{2\eta T\,H(\tau)}+\frac{\eta G^2}2\,Q(\tau)\Big],

the minimum being over restarts. With :math:`\tau^\star` minimising :math:`Q/H`, the tuned rate is
:math:`\frac D{G\sqrt T}(H^\star Q^\star)^{-1/2}`, the tuned value :math:`\frac{DG}{\sqrt T}\,\tfrac12\sqrt{Q^\star/H^\star}`,
and a rate ``rho`` times the tuned one loses the factor

.. math:: \frac{W(\rho)}{W(1)}=\min_\tau\frac12\Big[\frac{H^\star}{\rho\,H(\tau)}+\frac{\rho\,Q(\tau)}{Q^\star}\Big].

* It is :math:`(\rho+1/\rho)/2` from 1 up to a threshold, and for every :math:`\rho\le1` if the tuned restart is the first
  step, as for every annealing schedule of the registry (a shape that falls steeply early may forgive downward too).
* Beyond it grows like :math:`C\rho^{1/(2p+1)}`. For :math:`h=(1-u)^p` this is exact,
  :math:`\frac{2p+1}{2(p+1)}\big(\frac{p+1}p\big)^{p/(2p+1)}\rho^{1/(2p+1)}` for
  :math:`\rho\ge\sqrt{(p+1)/p}` (:func:`lrtheory.theory.law_derivation.polynomial_law` derives it).
* What decides is whether :math:`Q` is finite. It is for every :math:`p>0`; at :math:`p=0` for shapes that fall to zero
  faster than one over the logarithm of what remains, as :math:`(1-\log(1-u))^{-2}`: their factor grows more slowly than
  ``rho``, by powers of its logarithm.
* Elsewhere, so for shapes that do not anneal or that grow (:math:`-1<p\le0`), :math:`Q` is infinite: the last steps, a
  vanishing part of the run, make the noise of all restarts alike (for constant rates with the last iterate's logarithm
  of ``T``), no restart helps at any fixed ``rho``, and the factor is :math:`(\rho+1/\rho)/2` for all of them.

**Derivation.** In the recursion of :mod:`lrtheory.theory.last_iterate`, :math:`s_k\approx2\eta T H` and
:math:`s_k-2\sum\eta_t=\sum\eta_t^2/A_{t+1}^2\approx\tfrac\eta2 Q` because :math:`A^2\approx2\eta TH` and
:math:`\sum\to T\int`.

**Status.** *Proved* as an upper bound in the limit, and as attained in the limit for polynomial decay,
cosine, WSD and other shapes that do not rise (:mod:`lrtheory.theory.law_attained`). For shapes whose best restart jumps
(warm-ups, rising pieces) it is not attained in general: for restarts that are made to tie, semidefinite programs lie 6.9 %
below it at 25 steps, and 5.3 % without a change from 6 to 30 steps (*measured*), so that a gap remains in the limit.
*Verified:* the worst case of :mod:`lrtheory.theory.last_iterate` at :math:`T=10^5` agrees with the law to a few parts in a
thousand.

**Source.** The exponent: Attia and Koren, arXiv 2503.09411. The sharp form with its constants: here.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from lrtheory.checks import checked_numbers
from lrtheory.schedules.schedule import Schedule, checked_schedule
from lrtheory.theory.functionals import Functionals, anneals, functionals, smallest

LARGEST = 1e100
"""A misspecification beyond this, or below its inverse, would leave the range of numbers."""


@dataclass(frozen=True)
class Law:
    r"""The law of one schedule, with :math:`D`, :math:`G` and :math:`T` scaled out.

    Args:
        schedule: The shape.
        degree: The order :math:`p` of its zero.
        exponent: :math:`1/(2p+1)`, and 1 where ``p`` is negative.
        tuned_lr: Tuned rate over :math:`D/(G\sqrt T)`; 0 where :math:`Q` is infinite (for constant rates it falls by a
            further root of :math:`\ln T`), and infinite where the whole shape falls with ``T``.
        tuned_loss: Tuned worst case over :math:`DG/\sqrt T`; infinite where :math:`Q` is.
        threshold: From 1 up to this ``rho`` the factor is :math:`(\rho+1/\rho)/2`.
        constant: :math:`C`, where the factor tends to :math:`C\rho^{1/(2p+1)}`; 0 or infinite where a logarithm remains,
            as under :math:`(1-u)\log(2/(1-u))`.
    """

    schedule: Schedule
    degree: int | Fraction | float
    exponent: int | Fraction | float
    tuned_lr: float
    tuned_loss: float
    threshold: float
    constant: float

    def _repr_latex_(self) -> str:
        r"""How notebooks show it: the factor up to the threshold, and for large misspecifications.

        Example:
            >>> from lrtheory import Polynomial
            >>> print(law(Polynomial(1))._repr_latex_())
            $\frac{W(\rho)}{W(1)}=\frac{\rho+1/\rho}{2}\ (1\le\rho\le1.41),\qquad\sim0.945\,\rho^{1/3}\ (\rho\to\infty)$
        """
        least = r"\frac{\rho+1/\rho}{2}"
        if math.isinf(self.threshold):
            return rf"$\frac{{W(\rho)}}{{W(1)}}={least}\ (\rho\ge1)$"
        power = rf"\rho^{{{self.exponent}}}"
        known = 0 < self.constant < math.inf
        tail = rf"\sim{self.constant:.3g}\,{power}" if known else rf"{power}\text{{ up to a logarithm}}"
        return rf"$\frac{{W(\rho)}}{{W(1)}}={least}\ (1\le\rho\le{self.threshold:.3g}),\qquad{tail}\ (\rho\to\infty)$"


@overload
def degradation(schedule: Schedule, rho: float) -> float: ...
@overload
def degradation(schedule: Schedule, rho: ArrayLike) -> np.ndarray: ...
def degradation(schedule: Schedule, rho: ArrayLike) -> float | np.ndarray:
    r"""The factor that the worst case loses when the base rate is ``rho`` times the tuned one, in the limit.

    .. math:: \frac{W(\rho)}{W(1)}=\min_\tau\frac12\Big[\frac{H^\star}{\rho\,H(\tau)}+\frac{\rho\,Q(\tau)}{Q^\star}\Big]

    Args:
        schedule: The shape.
        rho: Misspecification, positive, any shape: above 1 the rate is too large.

    Returns:
        Factors of at least 1: a float for a number, an array of the shape of ``rho`` for an array.

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: ``rho`` is not positive and finite, or the shape ends in no power of what remains of the run.

    Example:
        >>> from lrtheory import Constant, Cosine, Polynomial
        >>> [round(degradation(s, 10.0), 4) for s in (Constant(), Polynomial(1), Cosine(), Polynomial(3))]
        [5.05, 2.0358, 1.7436, 1.3753]

    Source:
        Proved here as an upper bound, and as attained for polynomial decay: see the module.
    """
    checked_schedule("schedule", schedule)
    rho = checked_numbers("rho", rho)
    if not ((rho >= 1 / LARGEST) & (rho <= LARGEST)).all():
        limits = f"from {1 / LARGEST:g} to {LARGEST:g}"
        raise ValueError(f"rho must be positive and finite, {limits}: it is the rate used over the tuned rate.")
    if anneals(schedule):
        factors = np.array([_factor(schedule, value) for value in rho.ravel()]).reshape(rho.shape)
    else:
        factors = np.asarray((rho + 1 / rho) / 2)
    return factors if factors.ndim else float(factors)


def rho_exponent(schedule: Schedule) -> int | Fraction | float:
    r"""The power of ``rho`` that the loss grows with: :math:`1/(2p+1)`, exact; 1 for a shape that does not anneal or grows.

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: the shape ends in no power of what remains of the run: see :func:`lrtheory.theory.functionals.anneals`.

    Example:
        >>> from lrtheory import Constant, Cosine, Polynomial
        >>> print(rho_exponent(Polynomial(1)), rho_exponent(Cosine()), rho_exponent(Constant()))
        1/3 1/5 1
    """
    return reciprocal(2 * (schedule.degree if anneals(schedule) else 0) + 1)


def reciprocal(value: int | Fraction | float) -> int | Fraction | float:
    """One over a number; exact, and whole where it can be, for whole numbers and fractions.

    Example:
        >>> print(reciprocal(3), reciprocal(Fraction(1, 2)), reciprocal(0.5))
        1/3 2 2.0
    """
    if isinstance(value, float):
        return 1 / value
    exact = 1 / Fraction(value)
    return int(exact) if exact.denominator == 1 else exact


@lru_cache(maxsize=256)
def law(schedule: Schedule) -> Law:
    r"""The exponent and the constants of a schedule's law.

    With :math:`h\sim c\,(1-u)^p` at the end, minimising
    :math:`\frac12[\frac{H^\star(p+1)}{c\rho}x^{-(p+1)}+\rho\frac{c(p+1)}{pQ^\star}x^p]` over :math:`x` gives the constant
    for large ``rho``.

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: the shape has no law: see the two functions of :mod:`lrtheory.theory.functionals`.

    Example:
        >>> from lrtheory import Cosine
        >>> cosine = law(Cosine())
        >>> round(cosine.tuned_lr, 5), round(cosine.tuned_loss, 5), round(cosine.constant, 4)
        (0.9708, 1.03008, 1.1213)
    """
    exponent, degree = rho_exponent(schedule), schedule.degree
    if not anneals(schedule):
        return Law(schedule, degree, exponent, 0.0, math.inf, math.inf, 0.5)
    table = functionals(schedule)
    return Law(
        schedule,
        degree,
        exponent,
        tuned_lr=math.inf if table.vanishes else 1 / math.sqrt(table.tuned_H * table.tuned_Q),
        tuned_loss=math.sqrt(table.tuned_Q / table.tuned_H) / 2,
        threshold=_threshold(table),
        constant=_constant(schedule, table),
    )


def _constant(schedule: Schedule, table: Functionals) -> float:
    p, q, c = schedule.end
    p = float(p)
    if q or p == 0:
        return math.inf if q > 0 and p else 0.0
    # By logarithms: the powers of a steep shape, and c itself, may leave the range of numbers.
    log_c = math.log(c)
    bias, noise = math.log(table.tuned_H * (p + 1)) - log_c, log_c + math.log((p + 1) / p / table.tuned_Q)
    best = (math.log((p + 1) / p) + bias - noise) / (2 * p + 1)
    return (math.exp(bias - (p + 1) * best) + math.exp(noise + p * best)) / 2


def _factor(schedule: Schedule, rho: float) -> float:
    """The factor at one rho: the best restart."""
    table = functionals(schedule)
    bias, noise = table.tuned_H / (2 * rho), rho / (2 * table.tuned_Q)
    of_bias, of_noise = table.on_grid
    best, factor = smallest(
        lambda y: bias * np.exp(-table.log_H(y)) + noise * np.exp(table.log_Q(y)),
        table.grid,
        bias * of_bias + noise * of_noise,
    )
    if best > table.grid[0]:
        return factor
    found = law(schedule)  # the best restart lies beyond the table, where the shape is a power of what remains
    if not 0 < found.constant < math.inf:
        raise ValueError(f"rho = {rho:g} is too large for {schedule}, whose law is tabulated down to"
                         f" {math.exp(table.grid[0]):.0e} of the run.")  # fmt: skip
    return found.constant * rho ** float(found.exponent)


def _threshold(table: Functionals) -> float:
    """The largest rho at which no later restart is better than the tuned one."""
    later = table.grid[table.grid < table.tuned]
    gain = 1 - np.exp(table.log_Q(later)) / table.tuned_Q
    known = gain > 1e-9  # closer to the tuned restart, both differences below are lost to rounding
    squared = (table.tuned_H / np.exp(table.log_H(later[known])) - 1) / gain[known]
    candidates = [float(squared.min())]
    if table.tuned == table.grid[-1] and table.start_height > 0:
        candidates.append(table.tuned_Q / table.start_height)  # the limit of the ratio at the first step
    return math.sqrt(min(candidates))
