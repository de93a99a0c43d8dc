"""How wrong may a learning rate be, and which schedule forgives it?

Everything public is named here and loaded on first use: importing the package loads neither torch nor matplotlib nor
sympy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrtheory.schedules import (
        SGDR,
        STLR,
        WSD,
        Constant,
        Cosine,
        Exponential,
        InverseSqrt,
        OneCycle,
        PiecewiseLinear,
        Polynomial,
        Robust,
        Schedule,
        then,
        warmup,
    )  # fmt: skip
    from lrtheory.simulation import expected_curve, expected_loss, simulate
    from lrtheory.theory.curve_fit import fit_curve
    from lrtheory.theory.grid_planning import plan_grid
    from lrtheory.theory.implicit_penalty import implicit_penalty
    from lrtheory.theory.misspecification import degradation, rho_exponent
    from lrtheory.theory.modified_equation import modified_equation
    from lrtheory.theory.optimal_schedule import optimal_schedule
    from lrtheory.theory.robust_schedule import robust_lr
    from lrtheory.theory.worst_case import tuned_lr, worst_case, worst_cases

__version__ = "0.1.0"

_HOMES = {
    "lrtheory.schedules": (
        "SGDR", "STLR", "WSD", "Constant", "Cosine", "Exponential", "InverseSqrt", "OneCycle", "PiecewiseLinear",
        "Polynomial", "Robust", "Schedule", "then", "warmup",
    ),
    "lrtheory.theory.worst_case": ("tuned_lr", "worst_case", "worst_cases"),
    "lrtheory.theory.misspecification": ("degradation", "rho_exponent"),
    "lrtheory.theory.grid_planning": ("plan_grid",),
    "lrtheory.theory.robust_schedule": ("robust_lr",),
    "lrtheory.theory.optimal_schedule": ("optimal_schedule",),
    "lrtheory.theory.curve_fit": ("fit_curve",),
    "lrtheory.theory.implicit_penalty": ("implicit_penalty",),
    "lrtheory.theory.modified_equation": ("modified_equation",),
    "lrtheory.simulation": ("expected_curve", "expected_loss", "simulate"),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "SGDR", "STLR", "WSD", "Constant", "Cosine", "Exponential", "InverseSqrt", "OneCycle", "PiecewiseLinear",
    "Polynomial", "Robust", "Schedule", "degradation", "expected_curve", "expected_loss", "fit_curve", "implicit_penalty",
    "modified_equation", "optimal_schedule", "plan_grid", "rho_exponent", "robust_lr", "simulate", "then", "tuned_lr",
    "warmup", "worst_case", "worst_cases",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'lrtheory' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
