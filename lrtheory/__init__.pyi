from .forecast.equivalent_rate import equivalent_lr as equivalent_lr
from .forecast.extension import extend as extend
from .forecast.fitting import fit as fit
from .schedules import (
    SGDR as SGDR,
)
from .schedules import (
    STLR as STLR,
)
from .schedules import (
    WSD as WSD,
)
from .schedules import (
    Constant as Constant,
)
from .schedules import (
    Cosine as Cosine,
)
from .schedules import (
    Exponential as Exponential,
)
from .schedules import (
    Formula as Formula,
)
from .schedules import (
    InverseSqrt as InverseSqrt,
)
from .schedules import (
    OneCycle as OneCycle,
)
from .schedules import (
    PiecewiseLinear as PiecewiseLinear,
)
from .schedules import (
    Polynomial as Polynomial,
)
from .schedules import (
    Robust as Robust,
)
from .schedules import (
    Schedule as Schedule,
)
from .schedules import (
    StepDecay as StepDecay,
)
from .schedules import (
    Then as Then,
)
from .schedules import (
    Warmup as Warmup,
)
from .simulation import expected_curve as expected_curve
from .simulation import expected_loss as expected_loss
from .simulation import simulate as simulate
from .theory.grid_planning import plan_grid as plan_grid
from .theory.implicit_penalty import implicit_penalty as implicit_penalty
from .theory.misspecification import degradation as degradation
from .theory.misspecification import rho_exponent as rho_exponent
from .theory.modified_equation import modified_equation as modified_equation
from .theory.optimal_schedule import optimal_schedule as optimal_schedule
from .theory.robust_schedule import robust_lr as robust_lr
from .theory.worst_case import tuned_lr as tuned_lr
from .theory.worst_case import worst_case as worst_case

__version__: str
