"""Every law by its name, the default one first: a law of your own is one file with such a class, and one line here."""

from lrtheory.forecast.annealing_area import AnnealingArea
from lrtheory.forecast.current_rate import CurrentRate
from lrtheory.forecast.exact_noise import ExactNoise
from lrtheory.forecast.expected_smoothness import ExpectedSmoothness
from lrtheory.forecast.functional_scaling import FunctionalScaling
from lrtheory.forecast.law import Law
from lrtheory.forecast.multi_power import MultiPower
from lrtheory.forecast.published_bound import PublishedBound
from lrtheory.forecast.quadratic import Quadratic
from lrtheory.forecast.shrinking_gradients import ShrinkingGradients
from lrtheory.forecast.worst_case import WorstCase
from lrtheory.forecast.worst_case_diameter import WorstCaseDiameter

LAWS: dict[str, Law] = {
    law.name: law
    for law in (
        ShrinkingGradients(), ExpectedSmoothness(), ExactNoise(), PublishedBound(), WorstCase(), WorstCaseDiameter(),
        FunctionalScaling(), MultiPower(), AnnealingArea(), CurrentRate(), Quadratic(),
    )
}  # fmt: skip
"""Every law by its name."""
