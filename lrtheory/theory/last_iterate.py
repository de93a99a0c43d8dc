r"""The worst case of the last iterate of SGD, for any step sizes, in one pass over them.

**Setting.** :math:`f` is convex on a convex set, stochastic subgradients obey :math:`\mathbb E\|g_t\|^2\le G^2`, and
:math:`x_{t+1} = \Pi(x_t - \eta_t g_t)` for :math:`t=1,\dots,T` with deterministic steps. The output is
:math:`x_{T+1}`.

**Theorem.** Let :math:`s_{T+1}=0` and, going backwards,

.. math:: s_t = \bar s_t + 2\eta_t + \eta_t^2/\bar s_t, \qquad \bar s_t = \max(s_{t+1}, \eta_t).

*Distance.* If :math:`\|x_1-x^\star\|\le R` then, with :math:`s=\max(s_1, R/G)`,

.. math:: \mathbb E f(x_{T+1}) - f^\star \;\le\; \frac{R^2}{2s} + \frac{G^2}2\Big(s - 2\sum_{t=1}^T\eta_t\Big).

*Diameter.* If the set has diameter :math:`D`, the smallest such value over all restarts :math:`k=1,\dots,T+1`, with
:math:`D` for :math:`R`, :math:`s_k` for :math:`s_1` and the sum over :math:`t\ge k`: wherever the first steps led,
:math:`x_k` is at most :math:`D` away. (:math:`k=T+1`, no step at all, gives :math:`GD`.)

**Proof** (each identity is a row of :func:`proof`, which the tests simplify to zero). Take a virtual last step
:math:`c=\eta_{T+1}>0` and weights :math:`0<v_0\le v_1\le\dots\le v_{T+1}`, and let the reference point move:
:math:`z_0=x^\star`, :math:`v_tz_t=v_{t-1}z_{t-1}+(v_t-v_{t-1})x_t`, a convex combination of :math:`x^\star` and the
iterates so far, hence feasible and independent of the noise of step ``t``.

1. *One step.* :math:`2\eta_t\,\mathbb E[f(x_t)-f(z_t)]\le\mathbb E\|x_t-z_t\|^2-\mathbb E\|x_{t+1}-z_t\|^2+\eta_t^2G^2`.
2. *Telescope.* :math:`x_t-z_t=\frac{v_{t-1}}{v_t}(x_t-z_{t-1})`, so :math:`v_t^2\|x_t-z_t\|^2=v_{t-1}^2\|x_t-z_{t-1}\|^2`
   and the sum of step 1 times :math:`v_t^2` leaves :math:`v_0^2R^2+G^2\sum_tv_t^2\eta_t^2` on the right.
3. *Convexity.* :math:`v_t(f(x_t)-f(z_t))\ge v_t\delta_t-\sum_{i\le t}(v_i-v_{i-1})\delta_i` with
   :math:`\delta_i=f(x_i)-f^\star`. The coefficient of :math:`\delta_i` in the sum is
   :math:`2[\eta_iv_i^2-(v_i-v_{i-1})A_i]`, :math:`A_i=\sum_{t\ge i}\eta_tv_t`.
4. *Cancel.* :math:`v_{i-1}A_i=1` for :math:`i\le T+1` makes it zero for :math:`i\le T` and :math:`2` for :math:`i=T+1`. So
   :math:`v_i=1/A_{i+1}` for :math:`i\le T`, :math:`v_{T+1}=v_T`, and, with :math:`a=A_{T+1}` free,
   :math:`A_i=A_{i+1}+\eta_i/A_{i+1}`.
5. *Collapse.* :math:`A_t^2=A_{t+1}^2+2\eta_t+(\eta_t/A_{t+1})^2` turns the noise term into
   :math:`A_1^2-2\sum_t\eta_t`: the claim with :math:`s=A_1^2`.
6. *Best a.* :math:`A\mapsto A+\eta/A` maps :math:`[m,\infty)` onto :math:`[M,\infty)` with
   :math:`M=\bar m+\eta/\bar m`, :math:`\bar m=\max(m,\sqrt\eta)`. So :math:`A_k(a)^2` takes exactly the values in
   :math:`[s_k,\infty)`, and :math:`R^2/2s+G^2s/2` is smallest at :math:`\max(s_k,R/G)`. ∎

**Status.** *Proved*: the upper bound, and that the distance form is attained (:mod:`lrtheory.theory.hard_instance`).
The diameter form is attained in the limit for polynomial decay, cosine, WSD and other shapes that do not rise
(:mod:`lrtheory.theory.law_attained`, *proved*), and by a single step up to a certain length
(:mod:`lrtheory.theory.one_step`, *proved*). It is not attained by every shape: where the best restart jumps, as
it can for shapes that rise, semidefinite programs (:mod:`lrtheory.theory.certificates`) have lower values, 5 to 7 % lower
where all restarts tie, and for a linear tail behind tied steps the gap is the same 5.3 % at 6 and at 15 steps: it does not
vanish in the limit (*verified*). The programs are those of exact subgradients; for one step noise does not close the gap,
for more that is open.

**Source.** Moving reference point: Zamani and Glineur, arXiv 2307.11134; Liu and Zhou, arXiv 2312.08531. The weights
for arbitrary steps, the closed recursion and the restart form are derived here.
"""

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike

from lrtheory.checks import (
    checked_length,
    checked_magnitude,
    checked_numbers,
    checked_steps,
    checked_whole,
)
from lrtheory.cold_start import quicker_plain
from lrtheory.schedules.schedule import Schedule, checked_schedule
from lrtheory.theory.theorem import Theorem

if TYPE_CHECKING:
    import sympy


@overload
def worst_case(
    steps: Sequence[Schedule],
    *,
    horizon: int,
    lr: ArrayLike = ...,
    lipschitz: float = ...,
    distance: float | None = ...,
    diameter: float | None = ...,
    threads: int | None = ...,
) -> np.ndarray: ...
@overload
def worst_case(
    steps: Schedule | ArrayLike,
    *,
    horizon: int | None = ...,
    lr: float = ...,
    lipschitz: float = ...,
    distance: float | None = ...,
    diameter: float | None = ...,
    threads: int | None = ...,
) -> float: ...
@overload
def worst_case(
    steps: Schedule | ArrayLike,
    *,
    horizon: int | None = ...,
    lr: ArrayLike,
    lipschitz: float = ...,
    distance: float | None = ...,
    diameter: float | None = ...,
    threads: int | None = ...,
) -> np.ndarray: ...
def worst_case(
    steps: Schedule | Sequence[Schedule] | ArrayLike,
    *,
    horizon: int | None = None,
    lr: ArrayLike = 1.0,
    lipschitz: float = 1.0,
    distance: float | None = None,
    diameter: float | None = None,
    threads: int | None = None,
) -> float | np.ndarray:
    r"""The largest expected :math:`f(x_{T+1})-f^\star` that SGD with these steps can suffer.

    .. math:: \min_k\; \frac{D^2}{2s} + \frac{G^2}2\Big(s-2\sum_{t\ge k}\eta_t\Big), \qquad s=\max(s_k, D/G)

    with the recursion of this module; with ``distance`` only :math:`k=1` and :math:`R` for :math:`D`. With ``distance`` it
    is attained; with ``diameter`` it is an upper bound, which polynomial decay, cosine and WSD attain in the limit of long runs.

    A schedule costs one pass over its steps, however many base rates there are, since :math:`s_k` and
    :math:`s_k-2\sum_{t\ge k}\eta_t` are proportional to the base rate. At :math:`T=10^4` the pass takes a tenth of a
    millisecond and each base rate a hundredth (*measured*).

    Args:
        steps: The learning rates :math:`\eta_1..\eta_T`, one-dimensional, finite, none negative (steps of zero move
            nothing and are left out); or a schedule; or a sequence of schedules.
        horizon: The number of steps :math:`T` of a schedule; steps have their own.
        lr: The base rate, positive, by which the steps or the schedule are multiplied, or an array of them.
        lipschitz: :math:`G`, where :math:`\mathbb E\|g_t\|^2\le G^2`.
        distance: :math:`R\ge\|x_1-x^\star\|`, nothing known of the domain.
        diameter: :math:`D`, the diameter of the domain. Exactly one of the two lengths must be given.
        threads: The number of threads for a sequence of schedules; by default one for each core.

    Returns:
        A float for one base rate and an array of the shape of ``lr`` for an array. A sequence of schedules has an array
        with one row for each of them.

    Raises:
        TypeError: something else stands among schedules.
        ValueError: bad steps, a schedule without its horizon or steps with one, both or neither length, or a number that
            is not positive or outside of 1e-75 to 1e75.

    Example:
        Linear decay reaches the optimum over all methods, :math:`RG/\sqrt{T+1}`:

        >>> import numpy as np
        >>> from lrtheory import Constant, Cosine, Polynomial
        >>> round(worst_case(np.arange(99, 0, -1) / 100**1.5, distance=1.0), 12)
        0.1
        >>> round(worst_case(Polynomial(1), horizon=99, lr=0.099, distance=1.0), 12)
        0.1
        >>> worst_case([Constant(), Cosine()], horizon=100, lr=[0.05, 0.1, 0.2], diameter=1.0).round(4)
        array([[0.1499, 0.2262, 0.3828],
               [0.1248, 0.1026, 0.1232]])

    Source:
        Proved here: see the module.
    """
    lrs = checked_numbers("lr", lr)
    if not (np.isfinite(lrs).all() and (lrs > 0).all()):
        raise ValueError("lr must be a positive, finite number or an array of them.")
    length, lipschitz = checked_length(distance, diameter), checked_magnitude("lipschitz", lipschitz)
    if threads is not None:
        threads = checked_whole("threads", threads)
    several = isinstance(steps, list | tuple) and any(isinstance(each, Schedule) for each in steps)
    shaped = several or isinstance(steps, Schedule)
    if not shaped and horizon is not None:
        raise ValueError("horizon is for a schedule: steps have their own number.")
    if shaped and horizon is None:
        raise ValueError("a schedule needs its horizon: worst_case(Cosine(), horizon=1000, lr=0.1, diameter=1.0).")

    def losses(steps: Any) -> np.ndarray:
        shape = steps.steps(horizon) if isinstance(steps, Schedule) else steps  # pyright: ignore[reportArgumentType]
        squares, excess = restarts(checked_steps(shape))
        if diameter is None:
            squares, excess = squares[:1], excess[:1]
        return _smallest_losses(squares, excess, lrs.ravel(), lipschitz, length).reshape(lrs.shape)

    if several:
        schedules: Any = steps
        for schedule in schedules:
            checked_schedule("every one of several schedules", schedule)
        threads = min(threads or os.cpu_count() or 1, len(schedules))
        if threads > 1:
            with ThreadPoolExecutor(threads) as pool:
                found = list(pool.map(losses, schedules))
        else:
            found = [losses(schedule) for schedule in schedules]
        return np.array(found).reshape(len(schedules), *lrs.shape)
    found = losses(steps)
    return found if found.ndim else float(found)


def tuned_lr(
    schedule: Schedule,
    horizon: int,
    *,
    lipschitz: float = 1.0,
    distance: float | None = None,
    diameter: float | None = None,
) -> float:
    r"""The base rate with the smallest worst case, in closed form.

    With :math:`s_k` and :math:`e_k=s_k-2\sum_{t\ge k}h_t` of the shape itself, a restart at ``k`` is best at
    :math:`\mathrm{lr}=D/(G\sqrt{s_ke_k})`, where it reaches :math:`DG\sqrt{e_k/s_k}`; the best ``k`` minimises
    :math:`e_k/s_k` (with ``distance``, :math:`k=1`).

    Args:
        schedule: The shape.
        horizon: Number of steps :math:`T`.
        lipschitz: As in :func:`worst_case`.
        distance: As in :func:`worst_case`.
        diameter: As in :func:`worst_case`.

    Returns:
        The base rate, in units of length over ``lipschitz``.

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: as :func:`worst_case`.

    Example:
        >>> from lrtheory import Polynomial
        >>> round(tuned_lr(Polynomial(1), 99, distance=1.0), 12)  # D/(G sqrt(T+1)) times T/(T+1)
        0.099

    Source:
        Proved here: :math:`D^2/2\eta s+G^2\eta e/2` is smallest at :math:`\eta=D/(G\sqrt{se})`, and
        :math:`e\le s` keeps :math:`\eta s\ge D/G`.
    """
    checked_schedule("schedule", schedule)
    length = checked_length(distance, diameter)
    squares, excess = restarts(checked_steps(schedule.steps(horizon)))
    best = 0 if diameter is None else int(np.argmin(excess[:-1] / squares[:-1]))
    return length / (checked_magnitude("lipschitz", lipschitz) * math.sqrt(squares[best] * excess[best]))


def _smallest_losses(
    squares: np.ndarray, excess: np.ndarray, lrs: np.ndarray, lipschitz: float, length: float
) -> np.ndarray:
    """The bound of the best restart at each base rate."""
    if quicker_plain(lrs.size * squares.size):
        return np.array([_smallest_loss(squares, excess, lr, lipschitz, length) for lr in lrs])
    from lrtheory.theory.restart_kernels import smallest_losses

    return smallest_losses(squares, excess, lrs, lipschitz, length)


def _smallest_loss(squares: np.ndarray, excess: np.ndarray, lr: float, lipschitz: float, length: float) -> float:
    """The bound of the best restart; a step too small for its restart lets ``s`` grow to ``D/G``."""
    s = np.maximum(lr * squares, length / lipschitz)
    return float(np.min(length**2 / (2 * s) + lipschitz**2 / 2 * (lr * excess + (s - lr * squares))))


def restarts(steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""The state of the recursion at every restart: :math:`s_k` and :math:`e_k=s_k-2\sum_{t\ge k}\eta_t`.

    The second is summed from its own positive terms, :math:`e_k=e_{k+1}+(\bar s_k-s_{k+1})+\eta_k^2/\bar s_k`, so
    that nothing cancels at any horizon.

    Args:
        steps: Positive, finite steps, ``float64``, length ``T``.

    Returns:
        Two arrays of length ``T + 1``, for :math:`k=1..T+1`.

    Example:
        >>> squares, excess = restarts(np.array([1.0, 1.0]))
        >>> squares.tolist(), excess.tolist()
        ([6.25, 4.0, 0.0], [2.25, 2.0, 0.0])
    """
    if quicker_plain(len(steps)):
        return _restarts(steps)
    from lrtheory.theory.restart_kernels import restarts

    return restarts(steps)


def _restarts(steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The recursion as it is written, step by step."""
    square = total = 0.0
    squares, excess = [square], [total]
    for step in steps[::-1].tolist():
        base = max(square, step)
        gain = step * (step / base)
        total = total + (base - square) + gain
        square = base + 2 * step + gain
        squares.append(square)
        excess.append(total)
    return np.array(squares[::-1]), np.array(excess[::-1])


def proof() -> dict[str, "sympy.Expr"]:
    r"""The identities of the proof, each an expression that vanishes, named by its step.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    import sympy

    x, z, v, previous, step, area, s = sympy.symbols("x z v v_0 eta A s", positive=True)
    moved = (previous * z + (v - previous) * x) / v  # the reference point after its move
    before = area + step / area  # A_i from A = A_{i+1}
    weight, weight_before = 1 / area, 1 / before
    distance, lipschitz = sympy.symbols("R G", positive=True)
    bound = distance**2 / (2 * s) + lipschitz**2 * s / 2
    identities = {
        "2: the reference point telescopes": v**2 * (x - moved) ** 2 - previous**2 * (x - z) ** 2,
        "4: v_{i-1} A_i = v_i A_{i+1}": weight_before * before - weight * area,
        "4: A_i sums eta_t v_t": before - (area + step * weight),
        "4: coefficient of delta_i": step * weight**2 - (weight - weight_before) * before,
        "5: the noise collapses": before**2 - (area**2 + 2 * step + (step * weight) ** 2),
        "6: where A + eta/A is smallest": sympy.diff(before, area).subs(area, sympy.sqrt(step)),
        "6: where the bound is smallest in s": sympy.diff(bound, s).subs(s, distance / lipschitz),
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


THEOREM = Theorem(
    name="worst_case",
    statement="The last iterate's worst case, any steps, `O(T)`: an upper bound",
    status="proved",
    source="Zamani and Glineur, arXiv 2307.11134; Liu and Zhou, arXiv 2312.08531",
    module=__name__,
    attained="for a known distance always, on a domain for polynomial decay, cosine and WSD in the limit",
    labels=("thm:worst", "cor:distance"),
    proof=proof,
)
