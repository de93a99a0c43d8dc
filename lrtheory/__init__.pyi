from .estimate import Estimate as Estimate
from .forecast.equivalent_rate import equivalent_lr as equivalent_lr
from .forecast.extension import extend as extend
from .forecast.fitting import fit as fit
from .planning.grid import plan_grid as plan_grid
from .planning.measured import next_lr as next_lr
from .schedules import (
    SGDR as SGDR,
    STLR as STLR,
    WSD as WSD,
    Constant as Constant,
    Cosine as Cosine,
    Exponential as Exponential,
    Formula as Formula,
    InverseSqrt as InverseSqrt,
    OneCycle as OneCycle,
    PiecewiseLinear as PiecewiseLinear,
    Polynomial as Polynomial,
    Robust as Robust,
    Schedule as Schedule,
    StepDecay as StepDecay,
    Then as Then,
    Warmup as Warmup,
)
from .simulation import (
    AbsoluteValue as AbsoluteValue,
    FiniteSum as FiniteSum,
    absolute_regression as absolute_regression,
    expected_curve as expected_curve,
    expected_loss as expected_loss,
    hinge_classification as hinge_classification,
    least_squares as least_squares,
    logistic_regression as logistic_regression,
    simulate as simulate,
)
from .theory import penalties as penalties
from .theory.misspecification import degradation as degradation, law as law, rho_exponent as rho_exponent
from .theory.backward_error import modified_equation as modified_equation
from .theory.refined_schedule import optimal_schedule as optimal_schedule
from .theory.robust_schedule import robust_loss as robust_loss, robust_lr as robust_lr
from .theory.last_iterate import tuned_lr as tuned_lr, worst_case as worst_case

__version__: str
