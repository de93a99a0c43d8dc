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
}
"""One's own experiment is one entry more."""
