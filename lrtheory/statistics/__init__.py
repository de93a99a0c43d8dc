"""What do the numbers of an experiment say? Slopes, intervals, tests, resampling and the cost of grids."""

from lrtheory.statistics.grids import worst_offset
from lrtheory.statistics.intervals import half_width, interval, mean_estimate
from lrtheory.statistics.resampling import percentile_interval, resamples
from lrtheory.statistics.significance import holm, paired_p_value
from lrtheory.statistics.slope import fit_slope

__all__ = [
    "fit_slope", "half_width", "holm", "interval", "mean_estimate", "paired_p_value", "percentile_interval", "resamples",
    "worst_offset",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
