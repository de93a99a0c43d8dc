r"""The batch in the law: when the best rate falls with the number of steps, when it stays, and when it rises.

**Setting.** Runs of one shape, with base rate :math:`\eta`, :math:`T` steps and batches of :math:`B` examples, so that noise has
the variance :math:`\sigma^2/B`. Write :math:`S=\eta T`. The loss above its minimum is

.. math:: L(\eta,T)=b(S)+m(\eta)\,\nu(S),

a bias ``b`` that falls and noise ``m nu``; :math:`\kappa=\eta m'/m` is the power by which noise grows with the rate. The
*exponent* is :math:`e=d\log\eta^\star/d\log T` of the best rate :math:`\eta^\star`, where :math:`L_{\eta\eta}>0`.

**Theorem 1 (the sign).** At :math:`\eta^\star`, with :math:`\kappa` held, the exponent has the sign of

.. math:: \frac d{dS}\log\frac{S|b'(S)|}{\kappa\,\nu(S)+S\nu'(S)}.

*The batch alone does not turn it.* If :math:`\nu=\nu_0/B`, the batch cancels: it only says where :math:`S` is. If
furthermore :math:`m=\eta`, then :math:`L` depends on :math:`S` and :math:`BT` alone, and
:math:`\eta^\star(T,B)=B\,\eta^\star(BT,1)`: batches that have seen the same number of examples have the same exponent.

*Quadratics* with additive noise are such laws in the limit :math:`T\to\infty` at fixed ``S``, for every shape, spectrum
:math:`\lambda_i`, start :math:`r_i` and covariance :math:`s_i`, with :math:`m=\eta`, :math:`H(u)=\int_u^1h`,

.. math:: b=\sum_i\frac{\lambda_ir_i^2}2e^{-2\lambda_iSH(0)},\qquad
    \nu=\frac1B\sum_i\frac{s_i\lambda_iS}2\int_0^1h^2e^{-2\lambda_iSH}\,du .

In one direction and at a constant rate the exponent is negative: the ratio is :math:`z/(e^{2z}-1+2z)`,
:math:`z=\lambda S`. With noise in fast directions and bias in a slow one it is :math:`ze^{-2z}`, which *rises* up to
:math:`z=1/2`: the best rate of a run that is too short for its slowest direction rises with ``T``, at small
batches rather than at large ones.

**Theorem 2 (what the mean gradient leaves).** Let :math:`b=AS^{-a}`, :math:`m=\eta^\kappa` and
:math:`\nu=N/B+MS^{-c}`, :math:`0\le c<\kappa`: a part that the batch averages out, and one that it does not and that shrinks
along the run. Then

.. math:: e=-\frac{a-c\varphi}{\kappa+a-c\varphi},\qquad
    \varphi=\frac{(\kappa-c)MS^{-c}}{\kappa N/B+(\kappa-c)MS^{-c}} .

It rises with the batch from :math:`-a/(\kappa+a)` to :math:`-(a-c)/(\kappa+a-c)`, and turns its sign at
:math:`B^\star=\frac{\kappa a\,NS^c}{(\kappa-c)(c-a)M}` if :math:`c>a`; if :math:`c\le a` it is never positive.

* *Worst case, not smooth* (:math:`a=\kappa=1`, :math:`c=0`, :math:`\mathbb E\|g\|^2\le M+\sigma^2/B`): always :math:`-1/2`.
* *Noise in proportion to the loss* at the end of a run (:math:`c=a`): from :math:`-a/(\kappa+a)` to 0.
* *Noise in proportion to the loss when it was made*, of which slow directions remember the early part, shrinks faster than the
  bias. Exact moments of SGD on Gaussian least squares (:func:`least_squares_exponent`) then have exponents of up to 0.2 without
  noise in the labels. But there all noise is averaged out by the batch, so the exponent is positive at *small* batches, turns
  negative as larger ones let the noise of the labels decide, and tends to 0 without noise (*verified*).

**Theorem 3 (the edge).** A rate that is held at an edge which does not depend on ``T`` has exponent 0. Approaching the edge of
quadratics with curvatures up to :math:`\beta`, without noise, the best constant rate *rises*: :math:`\beta\eta^\star=1+y_q`
with :math:`q=2T` and :math:`(1+y)y^q=q^q/(q+1)^{q+1}`, from 4/3 at one step to 2, and

.. math:: e=\frac{q\,\log\frac q{(q+1)y}}{1+q(1+y)/y}\;\sim\;\frac{\log 2q}{2q}.

So large batches do turn the sign, and next to nothing comes of it in a long run: 0.002 at :math:`T=1{,}000`. With noise the
turn is where :math:`\sigma^2/(B\beta^2R^2)` is about :math:`0.03\log(4T)/T^2` (*verified*, :math:`40\le T\le1{,}700`). The rate
rises on all smooth convex functions, too, whose largest loss
:math:`\frac{\beta R^2}2\max\big(\frac1{1+q(1+y)},y^q\big)` is quoted.

**Proof** (identities in :func:`proof`). 1: :math:`e` has the sign of :math:`-L_{\eta T}`, which with :math:`L_\eta=0` in it is
:math:`S|b'|` times the derivative stated. 2: differentiate the logarithm of
:math:`aAS^{-a}=\eta^\kappa[\kappa N/B+(\kappa-c)MS^{-c}]` in :math:`\log T`. 3: the loss at curvature :math:`\lambda` is
:math:`\frac\lambda2R^2(1-\lambda\eta)^q`, largest at :math:`\lambda\eta=1/(q+1)` or at :math:`\beta`; the first value falls with
the rate and the second rises, so they are equal at the best one. Of
:math:`\log(1+y)+q\log y=q\log q-(q+1)\log(q+1)` the derivative in ``q`` is
:math:`y'\big(\frac1{1+y}+\frac qy\big)=\log\frac q{(q+1)y}`, and :math:`y<\frac q{q+1}` because there the left side of the
equation is :math:`2q+1` times the right one. For smooth functions, :math:`\log(1+w)>\frac w{1+w}` with :math:`w=q(1+y)`. ∎

**What is seen, and what may be promised.** On public grids of language models (Step Law, arXiv 2503.04715, *quoted*; the slopes
were computed from its table, which has no licence and is not shipped) the best rate goes with the number of steps like
:math:`T^{-0.29}` at batches of 32 and 64 sequences, not at all at 192, and rises like :math:`T^{0.12}` to :math:`T^{0.25}` at 256
to 1,024. The first would be Theorem 2 with :math:`a=0.41`, the second an edge or noise in proportion to the loss. The third is
not explained, for noise that the batch averages out turns the sign the other way round. The noise that a batch *leaves*
would have to shrink faster than the bias, :math:`c-a=e/(1+e)` = 0.11 to 0.2 at :math:`\kappa=1`. The one set of logs that tells
does not: fitted to final losses of a language model at one batch, noise has :math:`c=0.44` and :math:`\kappa=0.79`, and the bias
:math:`a=0.50`, so that :math:`e=-0.08` (*measured*, :mod:`lrtheory.forecast.shrinking_gradients`). Or the edge itself must move
with ``T``, as it does where the curvature falls during a warm-up in proportion to ``T`` (:func:`lrtheory.theory.warmup_edge`).
These runs used AdamW, which is in none of these theorems. So a tuned rate may be moved to a longer run only at batches where
noise decides it; at large ones it is to be kept, or tuned anew.

**Status.** *Proved* for the laws stated; for quadratics with noise in the limit of small steps. The exact worst case of
quadratics with noise *and* edge (:func:`worst_quadratic_rate`) and the moments of least squares are computed and *verified*
against plain recursions, the quoted loss of smooth functions by semidefinite programs of up to four steps.

**Source.** Derived here. That the best rate is in proportion to the batch is an old rule (Krizhevsky, arXiv 1404.5997), and that
it stops where noise no longer decides, too (McCandlish et al., arXiv 1812.06162). Worst case of gradient descent: Drori and
Teboulle, arXiv 1206.3209.
"""

import math
from typing import Any

import numpy as np
import sympy

from lrtheory.checks import LARGEST, checked_horizon, checked_positive, checked_whole, is_number
from lrtheory.theory.theorem import Theorem

STEP_LAW = {(32, 64): (-0.29, -0.29), (128,): (-0.13, -0.13), (192,): (0.0, 0.0), (256, 1024): (0.12, 0.25)}
"""Quoted: the smallest and the largest slope of the best rate in the number of steps, by the batch in sequences; see above."""


def horizon_exponent(
    exponent: float, *, shrinking: float = 0.0, share: float = 1.0, noise_exponent: float = 1.0
) -> float:
    r"""The power of the number of steps by which the best rate moves, by Theorem 2.

    .. math:: e=-\frac{a-c\varphi}{\kappa+a-c\varphi}

    Args:
        exponent: :math:`a>0`, of the bias.
        shrinking: :math:`c`, below :math:`\kappa`: noise that a batch leaves goes as :math:`S^{-c}`.
        share: :math:`\varphi`, the part of that noise in the slope of all noise: 0 for small batches, 1 for large ones.
        noise_exponent: :math:`\kappa>0`, the power of the rate by which noise grows.

    Raises:
        ValueError: a number out of range; noise that does not grow with the rate has no best rate.

    Example:
        The worst case; noise in proportion to the loss at a large batch; noise that shrinks faster:

        >>> [round(horizon_exponent(a, shrinking=c), 3) for a, c in ((1.0, 0.0), (0.41, 0.41), (0.41, 0.6))]
        [-0.5, 0.0, 0.235]

    Source:
        Proved here: see the module.
    """
    exponent, noise_exponent = (
        checked_positive("exponent", exponent),
        checked_positive("noise_exponent", noise_exponent),
    )
    if not (is_number(shrinking) and -LARGEST <= shrinking < noise_exponent):
        raise ValueError(
            f"shrinking must be a number below noise_exponent ({noise_exponent:g}), for noise must grow with the rate; "
            f"not {shrinking!r}."
        )
    if not (is_number(share) and 0 <= share <= 1):
        raise ValueError(f"share must be a number from 0 to 1, not {share!r}.")
    left = exponent - float(shrinking) * float(share)
    return 0.0 if left == 0 else -left / (noise_exponent + left)  # no -0.0


def worst_quadratic_rate(horizon: int, *, noise: float = 0.0) -> float:
    r"""The best constant rate for the largest loss over all quadratics of curvature up to :math:`\beta`, exactly.

    .. math:: \arg\min_r\,\max_{0\le\lambda\le1}\tfrac\lambda2\Big[(1-r\lambda)^{2T}
        +s^2r\,\frac{1-(1-r\lambda)^{2T}}{\lambda(2-r\lambda)}\Big]

    Args:
        horizon: :math:`T`, at most a million.
        noise: :math:`s=\sigma/(\sqrt B\beta R)`, the root of a batch's variance in units of :math:`\beta R`, from 0 to a
            million.

    Returns:
        The rate in units of :math:`1/\beta`, to a relative 1e-6.

    Raises:
        ValueError: a number out of range.

    Example:
        Without noise it rises with the number of steps, with noise it falls like their root:

        >>> [round(worst_quadratic_rate(t), 3) for t in (1, 10, 100, 1000)]
        [1.333, 1.794, 1.966, 1.995]
        >>> [round(worst_quadratic_rate(t, noise=1.0), 3) for t in (100, 400, 1600)]
        [0.067, 0.033, 0.017]

    Source:
        Derived here: see the module.
    """
    from scipy.optimize import minimize_scalar

    horizon = checked_horizon(horizon)
    if horizon > 10**6:
        raise ValueError(f"horizon must be at most a million, not {horizon}.")
    if not (is_number(noise) and 0 <= noise <= 1e6):
        raise ValueError(f"noise must be a number from 0 to a million, not {noise!r}.")
    # Curvatures up to the sharpest one, the largest of which the maximum jumps to, and slow ones as long runs see them.
    curvature = np.concatenate([np.geomspace(1e-3 / (horizon * (1 + noise)), 1, 20_000), [1.0]])

    def largest(log_rate: float) -> float:
        rate = math.exp(log_rate)
        sharpness = rate * curvature
        logs = np.where(sharpness < 0.5, np.log1p(-np.minimum(sharpness, 0.5)), np.log(np.abs(1 - sharpness) + 1e-300))
        gone = -np.expm1(2 * horizon * logs)
        return float((curvature / 2 * (1 - gone) + noise**2 * rate * gone / (2 * (2 - sharpness))).max())

    # The rate of a single step at the least and the edge at the most: between them the loss falls, then rises.
    low = math.log(1e-3 / ((1 + noise**2) * horizon))
    found: Any = minimize_scalar(largest, bounds=(low, math.log(2)), method="bounded", options={"xatol": 1e-9})
    return math.exp(found.x)


def least_squares_exponent(
    horizon: int, batch: int, *, noise: float = 0.0, curvature_decay: float = 1.5, loss_decay: float = 1.25
) -> float:
    r"""The exponent of the best constant rate of SGD on Gaussian least squares, from exact second moments.

    .. math:: M_i\leftarrow(1-\eta\lambda_i)^2M_i
        +\frac{\eta^2}B\lambda_i\Big[\lambda_iM_i+\sum_j\lambda_jM_j+\sigma^2\Big],\qquad\lambda_i=i^{-\nu},\quad
        \lambda_iM_i=i^{-\alpha}\text{ at first},\quad i\le100

    Args:
        horizon: :math:`T`, from 8 to 10,000; the exponent is that between :math:`T` and :math:`2T`.
        batch: :math:`B`, examples of a step, drawn anew.
        noise: :math:`\sigma^2`, the variance of the labels, at least 0.
        curvature_decay: :math:`\nu`, positive.
        loss_decay: :math:`\alpha`, positive.

    Raises:
        ValueError: a number out of range, or the best rate is not inside of the range that is searched.

    Example:
        Positive at a single example, where noise follows the loss; negative at larger batches:

        >>> [round(least_squares_exponent(400, batch, noise=0.1), 2) for batch in (1, 16, 256)]
        [0.11, -0.18, -0.1]

    Source:
        Derived here. The fourth moments of Gaussian examples are classical.
    """
    horizon, batch = checked_horizon(horizon), checked_whole("batch", batch, 1, 2**53)
    if not 8 <= horizon <= 10_000:
        raise ValueError(f"horizon must be from 8 to 10,000, not {horizon}.")
    if not (is_number(noise) and 0 <= noise <= LARGEST):
        raise ValueError(f"noise must be a number from 0 to {LARGEST:g}, not {noise!r}.")
    index = np.arange(1, 101)
    curvature = index ** -checked_positive("curvature_decay", curvature_decay)
    rates = np.geomspace(1e-3, 1.99, 200)
    second = np.tile(index ** -checked_positive("loss_decay", loss_decay) / curvature, (len(rates), 1))
    kept = (1 - rates[:, None] * curvature) ** 2 + (rates[:, None] * curvature) ** 2 / batch
    added = rates[:, None] ** 2 * curvature / batch
    logs = []
    with np.errstate(over="ignore", invalid="ignore"):  # rates beyond the edge
        for step in range(1, 2 * horizon + 1):
            second = kept * second + added * ((second @ curvature)[:, None] + noise)
            if step in (horizon, 2 * horizon):
                logs.append(_lowest(np.log(rates), second @ curvature))
    return float((logs[1] - logs[0]) / math.log(2))


def _lowest(places: np.ndarray, losses: np.ndarray) -> float:
    """Where losses at equal distances are least, by the parabola through the lowest and its neighbours."""
    losses = np.where(np.isfinite(losses), losses, np.inf)
    i = int(np.argmin(losses))
    if i in (0, len(places) - 1):
        raise ValueError(f"the best rate is not between {math.exp(places[0]):.3g} and {math.exp(places[-1]):.3g}.")
    if losses[i + 1] > 2 * losses[i]:  # next to the edge no parabola fits
        return float(places[i])
    left, middle, right = np.log(losses[i - 1 : i + 2])
    return float(places[i] + (places[1] - places[0]) * (left - right) / (2 * (left - 2 * middle + right)))


def proof() -> dict[str, sympy.Expr]:
    r"""The identities of the proofs, each an expression that vanishes.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    eta, horizon, s, a, c, kappa, batch = sympy.symbols("eta T S a c kappa B", positive=True)
    return {**_sign(eta, horizon), **_batch(eta, horizon, batch, s, a, c, kappa), **_rising_rate()}


def _sign(eta: sympy.Symbol, horizon: sympy.Symbol) -> dict[str, sympy.Expr]:
    """Theorem 1, with each function replaced by its first terms at a best rate, and its examples."""
    rate, steps, z, n0, n1, n2, b1, b2, m0, m1 = sympy.symbols("r t z n_0 n_1 n_2 b_1 b_2 m_0 m_1")
    moved = eta * horizon - rate * steps
    bias, noise = b1 * moved + b2 * moved**2 / 2, n0 + n1 * moved + n2 * moved**2 / 2
    loss = bias + (m0 + m1 * (eta - rate)) * noise
    here: Any = {eta: rate, horizon: steps}
    summed, kappa = rate * steps, rate * m1 / m0
    best = sympy.solve(sympy.diff(loss, eta).subs(here), b1)[0]  # the slope of the bias where the rate is best
    mixed = sympy.diff(loss, eta, horizon).subs(here)
    stated = (
        summed
        * b1
        * ((b1 + summed * b2) / (summed * b1) - (kappa * n1 + n1 + summed * n2) / (kappa * n0 + summed * n1))
    )
    remains = (1 - sympy.exp(-2 * z)) / 4  # z/2 int exp(-2 z v) dv, of a constant rate
    one = z * sympy.exp(-2 * z) / sympy.diff(4 * z * remains, z)
    identities = {
        "1: the mixed derivative": mixed.subs(b1, best) - stated.subs(b1, best),
        "1: one direction": one - z / (sympy.exp(2 * z) - 1 + 2 * z),
        "1: there the ratio falls": sympy.diff(one, z)
        - (sympy.exp(2 * z) * (1 - 2 * z) - 1) / (sympy.exp(2 * z) - 1 + 2 * z) ** 2,
        "1: for its numerator is zero at first and falls": sympy.diff(sympy.exp(2 * z) * (1 - 2 * z) - 1, z)
        + 4 * z * sympy.exp(2 * z),
        "1: a slow direction, and noise in others": sympy.diff(z * sympy.exp(-2 * z), z).subs(z, sympy.Rational(1, 2)),
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


def _batch(eta: Any, horizon: Any, batch: Any, s: Any, a: Any, c: Any, kappa: Any) -> dict[str, sympy.Expr]:
    """Theorem 2, and that rates are in proportion to the batch."""
    e, averaged, left, factor, amount = sympy.symbols("e N M k A", positive=True)
    bias, noise = sympy.Function("b"), sympy.Function("nu")
    law = bias(eta * horizon) + eta / batch * noise(eta * horizon)
    scaled = law.subs({eta: factor * eta, horizon: horizon / factor, batch: factor * batch}, simultaneous=True)
    loss = amount * (eta * horizon) ** -a + eta**kappa * (averaged / batch + left * (eta * horizon) ** -c)
    slope = sympy.diff(loss, eta) * eta
    marginal = kappa * averaged / batch + (kappa - c) * left * s**-c
    share = (kappa - c) * left * s**-c / marginal
    # The logarithm of a A S^-a = eta^kappa marginal, in log T: eta has the exponent e and S the exponent 1 + e.
    moves = -a * (1 + e) - kappa * e - (1 + e) * s * sympy.diff(marginal, s) / marginal
    exponent = sympy.solve(moves, e)[0]
    turn = kappa * a * averaged * s**c / ((kappa - c) * (c - a) * left)
    identities = {
        "1: rates in proportion to the batch": scaled - law,
        "2: where the rate is best": slope.subs(horizon, s / eta) - (eta**kappa * marginal - a * amount * s**-a),
        "2: the exponent": exponent + (a - c * share) / (kappa + a - c * share),
        "2: where it turns": exponent.subs(batch, turn),
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


def _rising_rate() -> dict[str, sympy.Expr]:
    """Theorem 3."""
    q, y, lam, rate = sympy.symbols("q y lambda r", positive=True)
    loss = lam * (1 - lam * rate) ** q
    equation = sympy.log(1 + y) + q * sympy.log(y) - q * sympy.log(q) + (q + 1) * sympy.log(q + 1)
    slope = -sympy.diff(equation, q) / sympy.diff(equation, y)
    smooth = sympy.log(1 + q * (1 + y)) + q * sympy.log(y)
    w = q * (1 + y)
    # At the best rate log y = -log(1 + w)/q.
    along = sympy.diff(smooth, q).subs(sympy.log(y), -sympy.log(1 + w) / q) * q
    identities = {
        "3: the slowest direction that matters": sympy.diff(loss, lam).subs(lam, 1 / ((q + 1) * rate)),
        "3: its loss": loss.subs(lam, 1 / ((q + 1) * rate)) - q**q / (q + 1) ** (q + 1) / rate,
        "3: the exponent": slope * q / (1 + y) - q * sympy.log(q / ((q + 1) * y)) / (1 + q * (1 + y) / y),
        "3: the rate stays below": equation.subs(y, q / (q + 1)) - sympy.log(2 * q + 1),
        "3: all smooth functions": along - (w / (1 + w) - sympy.log(1 + w)),
    }
    return {
        name: sympy.simplify(sympy.expand_log(sympy.simplify(identity), force=True))
        for name, identity in identities.items()
    }


THEOREM = Theorem(
    name="batch_size",
    statement="The batch decides how the best rate moves with the number of steps; it rises only where noise shrinks faster than "
    "the bias, or towards an edge",
    status="proved",
    source="Derived here",
    module=__name__,
    attained="on quadratics in the limit of small steps, and without noise",
    labels=("thm:batch-sign", "thm:batch-powers", "thm:batch-edge"),
    proof=proof,
)
