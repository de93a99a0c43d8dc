from fractions import Fraction

from torch import nn

from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, scheduled, sgd, trainable
from lrtheory.schedules import SGDR, Formula, Schedule


def restarts(first: int, horizon: int) -> Schedule:
    r"""Half-cosines of ``first``, ``2 first``, ``4 first``, ... steps, the last one cut off by the end of the run.

    Example:
        >>> restarts(2, horizon=5).steps(5).round(3)
        array([1.   , 0.5  , 1.   , 0.854, 0.5  ])
    """
    pieces = []
    start, length = 0, first
    while start < horizon:
        begin, part = Fraction(start, horizon), Fraction(length, horizon)
        last = start + length >= horizon
        pieces.append(f"((1 + cos(pi*(u - {begin})/({part})))/2, {'True' if last else f'u < {begin + part}'})")
        start, length = start + length, 2 * length
    return Formula(f"Piecewise({', '.join(pieces)})", name=f"restarts after {first}, {3 * first}, ... steps")


def make(
    model: nn.Module, setting: Setting, *, weight_decay: float = 1e-4, counts_iterations: bool = False
) -> Training:
    """SGD with momentum and warm restarts, each cycle twice as long as the one before.

    The first cycle lasts 10 epochs, or one (at least 50 steps) when fine-tuning text, whose runs are shorter than that;
    without ``steps_per_epoch`` three cycles fill the run. ``counts_iterations``: the published code gives its scheduler
    the 10 but advances it every step, so the first cycle lasts 10 steps.
    """
    optimizer = sgd(trainable(model), setting, weight_decay)
    if counts_iterations:
        schedule = restarts(10, setting.horizon)
    elif setting.steps_per_epoch is None:
        schedule = SGDR(cycles=3)
    else:
        first = setting.steps_of(10) if setting.family == "vision" else max(setting.steps_of(1), 50)
        schedule = restarts(first, setting.horizon)
    return Training(optimizer, scheduled(optimizer, setting, schedule))


STRATEGY = PublishedStrategy(
    name="SGDR",
    generation=2,
    year=2016,
    reference="Loshchilov and Hutter, arXiv 1608.03983",
    lr={"vision": 0.05, "text": 2e-3},
    maker=make,
    as_coded={
        "vision": {"lr": 0.05, "weight_decay": 5e-4, "counts_iterations": True},
        "text": {"lr": 1e-3, "weight_decay": 0.01},
    },
)
