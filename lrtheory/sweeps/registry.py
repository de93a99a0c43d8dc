"""The experiments, each by the name of its command; only what is run is imported."""

from lrtheory import sweeps
from lrtheory.runs.experiment import ExperimentEntry

EXPERIMENTS: dict[str, ExperimentEntry] = {
    "rho": ExperimentEntry(
        "What does a wrong rate cost under each schedule, by the law, in the worst case and in simulation?",
        lambda: sweeps.Rho,
    ),
    "degree": ExperimentEntry("How does the exponent of rho depend on the degree of decay?", lambda: sweeps.Degree),
    "horizon": ExperimentEntry(
        "How do the tuned loss and the exponent of rho change with the horizon?", lambda: sweeps.Horizon
    ),
    "grid": ExperimentEntry(
        "What is lost after tuning over a geometric grid of a given resolution, at its worst offset?",
        lambda: sweeps.Grid,
    ),
    "tightness": ExperimentEntry(
        "How close is the worst case to semidefinite programs, and to the published bound? (needs PEPit)",
        lambda: sweeps.Tightness,
    ),
    "averages": ExperimentEntry(
        "What do averages, momentum and adaptivity forgive, by bounds, programs and simulation? (needs PEPit)",
        lambda: sweeps.Averages,
    ),
    "cliffs": ExperimentEntry(
        "branch and cliff where the curvature rises or falls: simulated, and as predicted", lambda: sweeps.Cliffs
    ),
    "penalty": ExperimentEntry(
        "Does gradient descent on a small network follow its implicit gradient penalty? (needs torch)",
        lambda: sweeps.Penalty,
    ),
    "networks": ExperimentEntry(
        "Do logistic regression and small networks obey the law? (needs torch)", lambda: sweeps.Networks
    ),
    "cifar10": ExperimentEntry("Do residual networks on CIFAR-10 obey the law? (needs torch)", lambda: sweeps.Cifar10),
    "transformers": ExperimentEntry(
        "Do small language models obey the law, with and without warm-up and clipping? (needs torch)",
        lambda: sweeps.Transformers,
    ),
    "robustness": ExperimentEntry(
        "What accuracy do eighteen strategies lose when their rate is 2, 4 or 10 times off? (needs torch)",
        lambda: sweeps.Robustness,
    ),
    "language_models": ExperimentEntry(
        "Do public logs of language models obey the worst case?", lambda: sweeps.LanguageModels
    ),
    "forecast": ExperimentEntry(
        "Which law of loss curves forecasts the runs in public logs that it has not seen?", lambda: sweeps.Forecasts
    ),
    "wrong_rates": ExperimentEntry(
        "What does a wrong rate cost on public grids of real training, and where are their cliffs?",
        lambda: sweeps.WrongRates,
    ),
}
"""One's own experiment is one entry more."""
