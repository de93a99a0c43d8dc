from .distribution import (
    expected_curve as expected_curve,
    expected_loss as expected_loss,
    expected_loss_of_steps as expected_loss_of_steps,
    worst_eps as worst_eps,
)
from .problems import (
    AbsoluteValue as AbsoluteValue,
    FiniteSum as FiniteSum,
    absolute_regression as absolute_regression,
    hinge_classification as hinge_classification,
    least_squares as least_squares,
    logistic_regression as logistic_regression,
)
from .simulator import VERSION as VERSION, simulate as simulate
