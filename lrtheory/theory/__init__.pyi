from . import penalties as penalties
from .annealed_penalty import (
    SchedulePenalty as SchedulePenalty,
    penalty_over_time as penalty_over_time,
    schedule_penalty as schedule_penalty,
)
from .adaptive import (
    adagrad_bound as adagrad_bound,
    adagrad_lower_bound as adagrad_lower_bound,
    annealed_adagrad_loss as annealed_adagrad_loss,
)
from .any_average import average_bound as average_bound, average_lower_bound as average_lower_bound
from .averaged import averaged_bound as averaged_bound
from .averaging_weights import (
    exponential_weights as exponential_weights,
    merged_weights as merged_weights,
    polynomial_weights as polynomial_weights,
    tail_weights as tail_weights,
)
from .backward_error import (
    ModifiedEquation as ModifiedEquation,
    follow as follow,
    modified_equation as modified_equation,
)
from .certificates import (
    Certificate as Certificate,
    certify_smooth as certify_smooth,
    certify_worst_case as certify_worst_case,
)
from .batch_size import (
    horizon_exponent as horizon_exponent,
    least_squares_exponent as least_squares_exponent,
    worst_quadratic_rate as worst_quadratic_rate,
)
from .cliff import quadratic_loss as quadratic_loss, unbounded_worst_case as unbounded_worst_case
from .fixed_steps import fixed_step_lower_bound as fixed_step_lower_bound
from .grid_planning import GridPlan as GridPlan, compare_plans as compare_plans, plan_convex as plan_convex
from .hard_instance import WorstFunction as WorstFunction, worst_function as worst_function
from .heavy_ball import heavy_ball_bound as heavy_ball_bound, heavy_ball_lower_bound as heavy_ball_lower_bound
from .last_iterate import tuned_lr as tuned_lr, worst_case as worst_case
from .law_attained import (
    Attainment as Attainment,
    Witness as Witness,
    law_attainment as law_attainment,
    law_witness as law_witness,
)
from .law_derivation import H as H, Q as Q, polynomial_law as polynomial_law
from .minimax_rate import MinimaxRate as MinimaxRate, minimax_lr as minimax_lr
from .misspecification import Law as Law, degradation as degradation, law as law, rho_exponent as rho_exponent
from .methods import Method as Method
from .misprint import Erratum as Erratum, equation_seven as equation_seven
from .mixed_restarts import mixed_worst_case as mixed_worst_case
from .momentum_stability import momentum_edge as momentum_edge
from .one_step import one_step_worst_case as one_step_worst_case
from .penalties import (
    PenaltyTerm as PenaltyTerm,
    adam as adam,
    gradient_descent as gradient_descent,
    heavy_ball as heavy_ball,
    minibatch as minibatch,
)
from .published_bounds import PublishedBound as PublishedBound, published_bound as published_bound
from .quadratic import quadratic_rate as quadratic_rate, quadratic_regime as quadratic_regime
from .refined_schedule import (
    optimal_schedule as optimal_schedule,
    optimal_steps as optimal_steps,
    worst_case_of_norms as worst_case_of_norms,
)
from .robust_schedule import (
    lower_bound as lower_bound,
    robust_loss as robust_loss,
    robust_lr as robust_lr,
    two_piece as two_piece,
)
from .smooth import smooth_exponents as smooth_exponents, smooth_worst_case as smooth_worst_case
from .smooth_hard_instance import smooth_lower_bound as smooth_lower_bound
from .step_search import optimised_steps as optimised_steps, worst_case_gradient as worst_case_gradient
from .theorem import STATUSES as STATUSES, Evidence as Evidence, Theorem as Theorem
from .warmup_stability import warmup_edge as warmup_edge
