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
        "Where are branch and cliff when the curvature rises or falls, and are they where they are predicted?",
        lambda: sweeps.Cliffs,
    ),
    "penalty": ExperimentEntry(
        "Does gradient descent on a small network follow its implicit gradient penalty? (needs torch)",
        lambda: sweeps.Penalty,
    ),
    "networks": ExperimentEntry(
        "Do logistic regression and small networks obey the law? (needs torch)", lambda: sweeps.Networks
    ),
    "network_methods": ExperimentEntry(
        "What do averages, schedule-free and parameter-free methods forgive on small networks? (needs torch)",
        lambda: sweeps.NetworkMethods,
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
    "measured_planning": ExperimentEntry(
        "how many trials planners of rates need on real grids that they have not seen (needs Optuna and torch)",
        lambda: sweeps.MeasuredPlanning,
    ),
    "measured_calibration": ExperimentEntry(
        "chances of losing a run, as planners state them, against counts", lambda: sweeps.MeasuredCalibration
    ),
    "predicted_margins": ExperimentEntry(
        "how far above the best rate small networks have their cliff, predicted from their first weights (needs torch)",
        lambda: sweeps.PredictedMargins,
    ),
}
"""One's own experiment is one entry more."""
