r"""What an optimizer penalises without being asked to, to first order in its learning rate.

======================  ==================================================  ======================================
optimizer               hyperparameters                                     follows
======================  ==================================================  ======================================
``gradient_descent``                                                        the loss and a penalty on its gradient
``heavy_ball``          ``momentum``, ``convention``                        the same, a stronger penalty
``minibatch``           ``sampling``                                        penalises the batches' gradients
``adam``                ``beta1``, ``beta2``, ``epsilon``, ``placement``    rewards or penalises a 1-norm
======================  ==================================================  ======================================

Each function returns a :class:`PenaltyTerm`. A numeric hyperparameter that is left out stays a symbol of the formulas.

Example:
    >>> heavy_ball(momentum=0.5).strength
    3/2
"""

from collections.abc import Callable

from lrtheory.theory.adam_penalty import adam
from lrtheory.theory.gradient_descent_penalty import gradient_descent
from lrtheory.theory.minibatch_penalty import minibatch
from lrtheory.theory.momentum_penalty import heavy_ball
from lrtheory.theory.penalty_term import PenaltyTerm

PENALTIES: dict[str, Callable[..., PenaltyTerm]] = {
    function.__name__: function for function in (gradient_descent, heavy_ball, minibatch, adam)
}
"""Every penalty by its name."""

__all__ = ["PENALTIES", "PenaltyTerm", "adam", "gradient_descent", "heavy_ball", "minibatch"]
