"""The experiments, each by the name of its command; only what is run is imported."""

from lrtheory import sweeps
from lrtheory.runs.experiment import ExperimentEntry

EXPERIMENTS: dict[str, ExperimentEntry] = {
    "rho": ExperimentEntry(
        "loss against misspecification, all schedules: law, worst case, simulation, fitted exponents",
        lambda: sweeps.Rho,
    ),
    "degree": ExperimentEntry("the exponent of rho against the degree of decay", lambda: sweeps.Degree),
    "horizon": ExperimentEntry(
        "the 1/sqrt(T) rate, and the exponent of rho as the horizon grows", lambda: sweeps.Horizon
    ),
    "grid": ExperimentEntry(
        "loss after tuning by a geometric grid against its resolution, worst over offsets", lambda: sweeps.Grid
    ),
    "tightness": ExperimentEntry(
        "the worst case against semidefinite programs and the published bound (needs PEPit)", lambda: sweeps.Tightness
    ),
    "averages": ExperimentEntry(
        "what averages, momentum and adaptivity forgive: bounds, programs, simulation (needs PEPit)",
        lambda: sweeps.Averages,
    ),
    "cliffs": ExperimentEntry(
        "branch and cliff where the curvature rises or falls: simulated, and as predicted", lambda: sweeps.Cliffs
    ),
    "penalty": ExperimentEntry(
        "gradient descent on a small network against its implicit gradient penalty (needs torch)",
        lambda: sweeps.Penalty,
    ),
    "networks": ExperimentEntry(
        "logistic regression and small networks against the law (needs torch)", lambda: sweeps.Networks
    ),
    "cifar10": ExperimentEntry("residual networks on CIFAR-10 against the law (needs torch)", lambda: sweeps.Cifar10),
    "transformers": ExperimentEntry(
        "small language models: schedules by rates, with and without warm-up and clipping (needs torch)",
        lambda: sweeps.Transformers,
    ),
    "robustness": ExperimentEntry(
        "accuracy that eighteen strategies lose when their rate is 2, 4 or 10 times off (needs torch)",
        lambda: sweeps.Robustness,
    ),
    "language_models": ExperimentEntry(
        "public logs of language models against the worst case", lambda: sweeps.LanguageModels
    ),
    "forecast": ExperimentEntry(
        "laws of loss curves on public logs: which forecasts runs that it has not seen?", lambda: sweeps.Forecasts
    ),
    "wrong_rates": ExperimentEntry(
        "what a wrong rate costs on public grids of real training, and where their cliffs are",
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
