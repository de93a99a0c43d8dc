from torch import nn

from lrtheory.optim.dals import AS_PRINTED, AsCoded
from lrtheory.optim.layers import Layers
from lrtheory.optim.strategies.dals import dals_training
from lrtheory.optim.strategies.sgdr import restarts
from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training
from lrtheory.schedules import SGDR, Warmup


def make(
    model: nn.Module,
    setting: Setting,
    *,
    weight_decay: float = 5e-4,
    layers: Layers | None = None,
    coarse_layers: bool = False,
    warms_up: bool = True,
    departures: AsCoded = AS_PRINTED,
) -> Training:
    """DALS with a stronger filter, more weight decay, and warm restarts after the warm-up.

    The first cycle lasts 10 epochs, or three when fine-tuning text, whose runs are shorter than that; without
    ``steps_per_epoch`` three cycles fill the run. The published code has no warm-up (``warms_up=False``) and other
    numbers for its phases (``AsCoded(acc_phases=True)``).
    """
    fraction = (0.05 if setting.family == "vision" else 0.1) if warms_up else 0.0
    if setting.steps_per_epoch is None:
        schedule = SGDR(cycles=3)
    else:
        first = setting.steps_of(10 if setting.family == "vision" else 3)
        after_warmup = round((1 - fraction) * setting.horizon)
        schedule = restarts(first, max(after_warmup, 1))
    if warms_up:
        schedule = Warmup(schedule, fraction)
    return dals_training(
        model, setting, "acc", schedule,
        weight_decay=weight_decay, layers=layers, coarse_layers=coarse_layers, departures=departures,
    )  # fmt: skip


_AS_CODED = {
    "coarse_layers": True,
    "warms_up": False,
    "departures": AsCoded(unit_ratio=True, acc_phases=True, zero_start=True),
}

STRATEGY = PublishedStrategy(
    name="DALS-Acc",
    generation=5,
    year=2026,
    reference="Yao et al., arXiv 2604.27295",
    lr={"vision": 0.03, "text": 1e-3},
    maker=make,
    as_coded={
        "vision": {"lr": 0.03, "weight_decay": 5e-4, **_AS_CODED},
        "text": {"lr": 5e-4, "weight_decay": 0.01, **_AS_CODED},
    },
)
