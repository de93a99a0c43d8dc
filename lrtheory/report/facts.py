"""Every fact that README and paper state, by name: computed from the committed tables and from the theory, once."""

from functools import lru_cache

from lrtheory.report import (
    averages,
    benchmark,
    cliff,
    experiments,
    forecast,
    network_methods,
    networks,
    planning,
    reproduction,
    speed,
    theorems,
    theory,
)
from lrtheory.report.values import Value

PARTS = (
    theorems.theorem_part,
    theory.tightness_part, theory.law_part, theory.robust_part, theory.grid_part,
    averages.averages_part, averages.heavy_ball_part, averages.pairs_part, averages.attained_part,
    experiments.penalty_part, experiments.simulation_part,
    cliff.cliff_part, cliff.simulated_part, cliff.batch_part,
    planning.planning_part,
    networks.networks_part, network_methods.network_methods_part, networks.residual_part, networks.language_model_part,
    forecast.forecast_part,
    speed.speed_part,
    benchmark.benchmark_part, benchmark.robustness_part,
    reproduction.reproduction_part,
)  # fmt: skip
"""Where facts are computed: each yields pairs of a name and a value."""


@lru_cache
def facts() -> dict[str, Value]:
    """The values by their names.

    Raises:
        ValueError: two facts have one name.
    """
    found: dict[str, Value] = {}
    for part in PARTS:
        for name, value in part():
            if name in found:
                raise ValueError(f"there are two facts {name!r}.")
            found[name] = value
    return found
