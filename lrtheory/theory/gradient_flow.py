r"""A gradient flow need not converge to a minimum: three losses on which it does not.

The note says that the flow :math:`\dot\theta=-\nabla L(\theta)` of its equation (3) provably converges to a minimum. Along it the
loss falls, :math:`\frac{\mathrm d}{\mathrm dt}L=-\|\nabla L\|^2`, and no more can be said without further assumptions:

1. *A saddle.* On :math:`L=\frac12(x^2-y^2)+\frac14y^4` the flow from :math:`(x_0,0)` is :math:`(x_0e^{-t},0)` and ends at
   the saddle 0, :math:`\frac14` above the minima :math:`(0,\pm1)`.
2. *No limit.* On :math:`L=e^{-x}` it is :math:`x=\ln(e^{x_0}+t)`, without bound: the infimum is approached and no minimum
   is.
3. *No rate.* On :math:`L=\frac14x^4` it is :math:`x=(x_0^{-2}+2t)^{-1/2}`: it converges, but slower than any exponential.

That every bounded trajectory converges to a *critical point* holds for analytic losses (Lojasiewicz), and that from almost every
start it is no strict saddle is a theorem of its own; a bounded flow of a smooth loss may also circle for ever (Palis and de
Melo's "Mexican hat"): all three are *quoted*.

**Status.** *Proved*: the three examples. **Source.** The sentence is quoted from Zhu Meng's note; the examples are standard.
"""

import sympy

from lrtheory.theory.theorem import Theorem


def proof() -> dict[str, sympy.Expr]:
    """That each curve solves its flow, and where it ends.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    x, y = sympy.symbols("x y")
    t, start = sympy.symbols("t x_0", positive=True)
    saddle = (x**2 - y**2) / 2 + y**4 / 4
    curves = {
        "a saddle": (saddle, {x: start * sympy.exp(-t), y: sympy.Integer(0)}),
        "no limit": (sympy.exp(-x), {x: sympy.log(sympy.exp(start) + t)}),
        "no rate": (x**4 / 4, {x: (start**-2 + 2 * t) ** sympy.Rational(-1, 2)}),
    }
    vanishing = {}
    for name, (loss, curve) in curves.items():
        for variable, path in curve.items():
            vanishing[f"{name}: the flow of {variable}"] = sympy.simplify(
                sympy.diff(path, t) + sympy.diff(loss, variable).subs(curve)
            )
    vanishing["a saddle: its end"] = sympy.limit(saddle.subs(curves["a saddle"][1]), t, sympy.oo)
    vanishing["a saddle: a minimum is lower"] = saddle.subs({x: 0, y: 1}) + sympy.Rational(1, 4)
    vanishing["no limit: it leaves"] = 1 / sympy.limit(curves["no limit"][1][x], t, sympy.oo)
    return vanishing


THEOREM = Theorem(
    name="gradient_flow",
    statement="A gradient flow need not converge to a minimum",
    status="proved",
    source="The sentence is quoted from Zhu Meng's note; the examples are standard",
    module=__name__,
    attained="by a saddle, by a loss without a minimum; where it converges it may be slow",
    labels=("prop:flow",),
    proof=proof,
)
