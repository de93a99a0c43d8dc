"""What will a schedule do? Laws of loss curves, fitted to logged runs and read off for others: one law a file.

:func:`fit` fits a law to :class:`Curve` s; its :class:`Forecast` answers. A law of your own is one file with a class like
those of :data:`LAWS` and one line here.
"""

from lrtheory.forecast.annealing_area import AnnealingArea
from lrtheory.forecast.current_rate import CurrentRate
from lrtheory.forecast.curve import Curve
from lrtheory.forecast.equivalent import equivalent_lr
from lrtheory.forecast.exact_noise import ExactNoise
from lrtheory.forecast.expected_smoothness import ExpectedSmoothness
from lrtheory.forecast.extend import extend
from lrtheory.forecast.fit import fit
from lrtheory.forecast.forecast import Forecast
from lrtheory.forecast.functional_scaling import FunctionalScaling
from lrtheory.forecast.law import Law
from lrtheory.forecast.multi_power import MultiPower
from lrtheory.forecast.published_bound import PublishedBound
from lrtheory.forecast.quadratic import Quadratic
from lrtheory.forecast.read_log import read_log
from lrtheory.forecast.shrinking_gradients import ShrinkingGradients
from lrtheory.forecast.worst_case import WorstCase

LAWS: dict[str, Law] = {
    law.name: law
    for law in (
        ShrinkingGradients(), ExpectedSmoothness(), ExactNoise(), PublishedBound(), WorstCase(), FunctionalScaling(),
        MultiPower(), AnnealingArea(), CurrentRate(), Quadratic(),
    )
}  # fmt: skip
"""Every law by its name, the default one first."""

__all__ = [
    "LAWS", "AnnealingArea", "CurrentRate", "Curve", "ExactNoise", "ExpectedSmoothness", "Forecast", "FunctionalScaling",
    "Law", "MultiPower", "PublishedBound", "Quadratic", "ShrinkingGradients", "WorstCase", "equivalent_lr",
    "extend", "fit", "read_log",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
