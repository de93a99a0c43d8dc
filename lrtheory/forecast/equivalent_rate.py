r"""The rate of another schedule that matches a tuned one.

.. math:: \ell_{\mathrm{to}}=\ell_{\mathrm{from}}\,\frac{\ell^\star(\mathrm{to},T)}{\ell^\star(\mathrm{from},T)}

Best rates :math:`\ell^\star` are those of the worst case on a bounded domain, or of a forecast that was fitted to runs. Only
their ratio is used, so no constant of the problem is needed.

**Status.** *Measured*: the best rates are proved, how far they are those of networks is not. On runs of a language model a
forecast that had not seen a schedule placed its best rate within a factor of 1.3 for eleven schedules
(:func:`lrtheory.sweeps.forecast.best_rates`); for the worst case see ``sweep language_models``.

**Source.** Here.
"""

from typing import TYPE_CHECKING

from lrtheory.checks import checked_positive
from lrtheory.estimate import Estimate
from lrtheory.schedules.schedule import Schedule, checked_schedule
from lrtheory.theory.last_iterate import tuned_lr
from lrtheory.theory.theorem import Theorem

if TYPE_CHECKING:
    from lrtheory.forecast.forecast import Forecast


def equivalent_lr(
    lr: float, from_: Schedule, to: Schedule, horizon: int, *, forecast: "Forecast | None" = None
) -> Estimate:
    """The base rate of another schedule that matches a tuned one.

    Args:
        lr: The tuned base rate of ``from_``.
        from_: The schedule that was tuned.
        to: The schedule that is to be run.
        horizon: Number of steps of both.
        forecast: A fitted forecast; by default the worst case, which has no interval.

    Returns:
        The base rate; with a forecast, a 95 % interval over resampled curves.

    Raises:
        TypeError: one of the two is no schedule.
        ValueError: ``lr`` or ``horizon`` out of range.

    Example:
        >>> from lrtheory import WSD, Polynomial
        >>> print(f"{equivalent_lr(1e-3, Polynomial(1), WSD(0.2), 10_000).value:.2e}")
        5.15e-04

    Source:
        Here: see the module.
    """
    lr = checked_positive("lr", lr)
    first, second = checked_schedule("from_", from_), checked_schedule("to", to)
    if forecast is None:
        rate = lr * tuned_lr(second, horizon, diameter=1.0) / tuned_lr(first, horizon, diameter=1.0)
        return Estimate(rate, rate, rate)
    return forecast.ratio_of_best_rates(second, first, horizon, lr)


THEOREM = Theorem(
    name="equivalent_rate",
    statement="A forecast knows the best rates of schedules that it has not seen",
    status="measured",
    source="Here",
    module=__name__,
    attained="within a factor of 1.3 for eleven schedules of one public set of language-model runs",
)
