r"""Linear decay is best for every bias that depends on the summed rate, and what its best rate is.

**Theorem.** For any steps :math:`\eta_1..\eta_T\ge0`, not all zero, with sum :math:`S`, the noise of the exact last iterate
obeys

.. math:: e_1 \;\ge\; \frac{2S}T,

with equality if and only if :math:`\eta_t\propto T+1-t`. Hence, for any function :math:`b` whatever and any :math:`B\ge0`,
no steps of horizon :math:`T` have a smaller :math:`L_0+b(S)+B\,e_1` than linear decay to zero with the best base rate.

**Proof** (identities: :func:`proof`). By :mod:`lrtheory.theory.last_iterate`, :math:`e_1=\min_{a>0}\,(A_1^2-2S)` with
:math:`A_{T+1}=a`, :math:`A_t=A_{t+1}+\eta_t/A_{t+1}`. Let :math:`b_t=A_t-A_{t+1}\ge0` and :math:`b_{T+1}=a`; then
:math:`A_1=\sum_{t\le T+1}b_t` and :math:`A_1^2-2S=\sum_{t\le T+1}b_t^2=:e`. By Cauchy and Schwarz
:math:`e\ge A_1^2/(T+1)=(2S+e)/(T+1)`, that is :math:`Te\ge2S`. Equality needs equal :math:`b_t=b`, so
:math:`A_{t+1}=(T+1-t)b` and :math:`\eta_t=b^2(T+1-t)`. Whatever the sum of other steps is, linear decay of the same sum has the
same bias and no more noise. ∎

So the statement needs nothing of the bias, not even that it falls. With :math:`b(S)=AS^{-a}`:

**Corollary.** The best summed rate is :math:`S^\star=(aAT/2B)^{1/(1+a)}`, the base rate of ``Polynomial(1)`` is
:math:`2S^\star/(T+1)`, and the loss is :math:`L_0+(1+a)A(S^\star)^{-a}`. Base rates move to other horizons as
:math:`T^{-a/(1+a)}` (as :math:`T^{-1/2}` for the worst case, :math:`a=1`) and losses above :math:`L_0` fall as
:math:`T^{-a/(1+a)}`.

*With gradients that shrink* (:mod:`lrtheory.forecast.shrinking_gradients`), a fixed shape has a bias
:math:`\propto(\ell T)^{-a}` and noise :math:`\propto\ell^{1-c-q}T^{-c}`, so its best rate moves as
:math:`T^{-(a-c)/(1+a-c-q)}`: not at all where gradients shrink as fast as the bias. What the batch does
to this: :mod:`lrtheory.theory.batch_size`.

**Limit.** For a shape that decays to zero, :math:`e_1\to\frac\ell2\int_0^1h^2/H\,du`, :math:`H(u)=\int_u^1h`: the states are
:math:`2\sum_{i>k}\eta_i` to leading order (*verified* in the tests). In summed rate this is the noise
:math:`\sum\eta_k^2K(S_t-S_k)` of the functional scaling law with :math:`K(x)=1/2x`: exponent 1 of forgetting and no offset.

**Status.** *Proved*; a numerical attack with random shapes is in the tests. With gradients that shrink, the transfer is
proved for a fixed shape in the limit, and which shape is best is open.

**Source.** Here. Linear decay is the minimiser of the worst case itself (:mod:`lrtheory.theory.refined_schedule`).
"""

from typing import Any

import sympy

from lrtheory.checks import checked_horizon, checked_positive, is_number
from lrtheory.forecast.running_noise import running_noise
from lrtheory.schedules import Polynomial
from lrtheory.theory.batch_size import horizon_exponent
from lrtheory.theory.theorem import Evidence, Theorem


def best_rate(horizon: int, *, bias: float, exponent: float, noise: float) -> float:
    r"""The base rate of ``Polynomial(1)`` with the smallest :math:`AS^{-a}+Be_1`, the smallest over all schedules.

    .. math:: \ell^\star=\frac2{T+1}\Big(\frac{aAT}{2B}\Big)^{1/(1+a)}

    Args:
        horizon: :math:`T`.
        bias: :math:`A>0`.
        exponent: :math:`a>0`.
        noise: :math:`B>0`.

    Raises:
        ValueError: a number out of range.

    Example:
        The worst case from a distance 1, :math:`A=1/4`, :math:`a=1`, :math:`B=1/2` to leading order:

        >>> round(best_rate(9999, bias=0.25, exponent=1.0, noise=0.5) * 100, 2)
        1.0

    Source:
        Proved here: see the module.
    """
    horizon = checked_horizon(horizon)
    bias, exponent, noise = (
        checked_positive(name, value) for name, value in (("bias", bias), ("exponent", exponent), ("noise", noise))
    )
    return 2 / (horizon + 1) * (exponent * bias * horizon / (2 * noise)) ** (1 / (1 + exponent))


def transfer_exponent(exponent: float, shrinking: float = 0.0, sublinear: float = 0.0, *, share: float = 1.0) -> float:
    r"""The power of the horizon by which the best rate of a fixed shape moves, at a fixed batch.

    .. math:: -\frac{a-c\varphi}{1-q+a-c\varphi}

    What it promises depends on the batch (:mod:`lrtheory.theory.batch_size`). Where noise that the batch averages out decides the
    best rate, :math:`\varphi=0`, it falls like :math:`T^{-a/(1-q+a)}`. Where noise shrinks with the loss, or an edge decides, it
    stays. It never rises unless noise shrinks faster than the bias. On public grids of language models it falls at batches of 32
    and 64 sequences only, stays at 192, and rises from 256 on: there keep the rate of the shorter run, or tune it anew.

    Args:
        exponent: :math:`a`, of the bias.
        shrinking: :math:`c`, of gradients.
        sublinear: :math:`q`, by which noise is sublinear in the peak rate.
        share: :math:`\varphi`, the part of the noise that shrinks in the slope of all noise, from 0 to 1.

    Raises:
        ValueError: a number out of range; noise that does not grow with the rate, :math:`c+q\ge1`, has no best rate.

    Example:
        >>> transfer_exponent(1.0), transfer_exponent(0.5, 0.5, 0.17), transfer_exponent(0.5, 0.5, share=0.0).__round__(2)
        (-0.5, 0.0, -0.33)

    Source:
        Proved here: see the module, and :mod:`lrtheory.theory.batch_size` for the share.
    """
    if not (is_number(sublinear) and sublinear < 1):
        raise ValueError(f"sublinear must be a number below 1, for noise must grow with the rate; not {sublinear!r}.")
    return horizon_exponent(exponent, shrinking=shrinking, share=share, noise_exponent=1 - sublinear)


def proof() -> dict[str, sympy.Expr]:
    r"""The identities of the proof, each an expression that vanishes.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    area, step, b, t, horizon, total = sympy.symbols("A eta b t T S", positive=True)
    a, c, q, bias, noise = sympy.symbols("a c q A_0 B", positive=True)
    before = area + step / area
    best = (a * bias * horizon / (2 * noise)) ** (1 / (1 + a))
    loss = bias * total**-a + noise * 2 * total / horizon
    remaining = (horizon + 1 - t) * b
    move = -(a - c) / (1 + a - c - q)
    k = sympy.symbols("k", integer=True, positive=True)
    summed: Any = sympy.summation(b**2 * (horizon + 1 - k), (k, 1, horizon))
    return {
        "a step collapses": sympy.expand(before**2 - area**2 - 2 * step - (before - area) ** 2),
        "equal differences are linear decay": sympy.expand(
            (remaining + b - remaining) * remaining - b**2 * (horizon + 1 - t)
        ),
        "noise of linear decay": sympy.simplify((horizon + 1) * b**2 - 2 * summed / horizon),
        "best summed rate": sympy.simplify(sympy.diff(loss, total).subs(total, best)),
        "loss there": sympy.simplify((loss - (1 + a) * bias * total**-a).subs(total, best)),
        "transfer: bias and noise keep their ratio": sympy.simplify(-a * (1 + move) - (move * (1 - c - q) - c)),
    }


def witness() -> Evidence:
    """The noise of linear decay over a thousand steps, against twice the mean rate: equality, up to rounding."""
    steps = Polynomial(1).steps(1000)
    return Evidence(float(running_noise(steps, [1000])[0]), 2 * float(steps.mean()), 1e-11)


THEOREM = Theorem(
    name="linear_decay",
    statement="Under any bias in the summed rate, no schedule of a horizon has a smaller `L0 + b(S) + B e` than linear decay",
    status="proved",
    source="Here",
    module=__name__,
    attained="by linear decay at its best rate, and by no other steps of the same sum",
    labels=("thm:any-bias",),
    proof=proof,
    witness=witness,
)
