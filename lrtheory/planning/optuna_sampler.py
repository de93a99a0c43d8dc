"""A sampler for Optuna that asks for the next learning rate; importing this module needs Optuna."""

from contextlib import suppress
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from lrtheory.planning.measured import Suggestion, next_lr


class NextRate(optuna.samplers.BaseSampler):
    """Proposes :func:`lrtheory.next_lr` of a study's results, and stops the study where that says stop.

    A trial that failed, or whose value is not finite, is a run that diverged; a pruned one counts with its last
    intermediate value, and those under way are left out.

    Args:
        low: Lower end of the range that is thought to hold the best rate, positive.
        high: Upper end. The study's distribution may be wider: rates beyond the range are proposed where results ask for it.
        initial_loss: The loss before training.
        tolerance: Stop where the expected regret is below this fraction of the gain.
        name: The name of the learning rate among the parameters.

    Raises:
        ValueError: a number outside of its range; in a study, another parameter or a loss that is to be maximised.

    Example:
        >>> import math
        >>> import optuna
        >>> optuna.logging.set_verbosity(optuna.logging.ERROR)
        >>> study = optuna.create_study(sampler=NextRate(1e-4, 1e-1, initial_loss=2.3))
        >>> def loss(trial):
        ...     return 1 + math.log(trial.suggest_float("lr", 1e-6, 1, log=True) / 0.02) ** 2 / 30
        >>> study.optimize(loss, n_trials=20)
        >>> len(study.trials) < 10 and 0.01 < study.best_params["lr"] < 0.04
        True

    Source:
        Measured: see :mod:`lrtheory.planning.measured`.
    """

    def __init__(
        self, low: float, high: float, *, initial_loss: float, tolerance: float = 0.003, name: str = "lr"
    ) -> None:
        self._range, self._name = (low, high), name
        self._initial_loss, self._tolerance = initial_loss, tolerance
        self._suggested([])  # so that bad numbers are refused here

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, Any]:
        """No parameters are drawn together."""
        return {}

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, Any]) -> dict[str, Any]:
        """No parameters are drawn together."""
        return {}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: Any
    ) -> float:
        """The next rate, within the study's distribution."""
        if param_name != self._name:
            raise ValueError(
                f"NextRate proposes {self._name} alone, not {param_name}: optuna.samplers.PartialFixedSampler fixes it."
            )
        if study.direction != optuna.study.StudyDirection.MINIMIZE:
            raise ValueError("NextRate minimises a loss: create the study with direction='minimize'.")
        suggestion = self._suggested(self._results(study))
        rate = suggestion.best if suggestion.lr is None else suggestion.lr
        return min(max(float(rate or self._range[0]), param_distribution.low), param_distribution.high)

    def after_trial(self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        """Stop the study where there is little left to gain."""
        this = (trial.params.get(self._name), None if values is None else values[0])
        if self._suggested([*self._results(study), this]).lr is None:
            with suppress(RuntimeError):  # a study that is asked and told by hand cannot be stopped
                study.stop()

    def _suggested(self, results: list[tuple[float | None, float | None]]) -> Suggestion:
        known = [(lr, loss) for lr, loss in results if lr is not None]  # a trial may fail before it has a rate
        return next_lr(known, *self._range, initial_loss=self._initial_loss, tolerance=self._tolerance)

    def _results(self, study: optuna.Study) -> list[tuple[float | None, float | None]]:
        """Rates and losses of the trials that are over."""
        over = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        results = []
        for trial in study.get_trials(deepcopy=False, states=over):
            reported = trial.intermediate_values
            stopped = trial.state == TrialState.PRUNED and reported
            results.append((trial.params.get(self._name), reported[max(reported)] if stopped else trial.value))
        return results
