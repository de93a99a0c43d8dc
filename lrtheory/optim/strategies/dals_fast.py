from torch import nn

from lrtheory.optim.dals import AS_PRINTED, AsCoded
from lrtheory.optim.layers import Layers
from lrtheory.optim.strategies.dals import dals_training, warmup_from_zero
from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training
from lrtheory.schedules import Cosine, Warmup


def make(
    model: nn.Module,
    setting: Setting,
    *,
    weight_decay: float = 1e-4,
    layers: Layers | None = None,
    coarse_layers: bool = False,
    from_zero: bool = False,
    departures: AsCoded = AS_PRINTED,
) -> Training:
    """DALS without a filter in phase 0, a higher rate, less momentum and a warm-up over 2 % (5 % for text).

    The switches are those of DALS; its published code also leaves the average untouched in phase 0
    (``AsCoded(stale_average=True)``).
    """
    fraction = 0.02 if setting.family == "vision" else 0.05
    schedule = warmup_from_zero(fraction) if from_zero else Warmup(Cosine(), fraction)
    return dals_training(
        model, setting, "fast", schedule,
        weight_decay=weight_decay, layers=layers, coarse_layers=coarse_layers, departures=departures,
    )  # fmt: skip


_AS_CODED = {
    "coarse_layers": True,
    "from_zero": True,
    "departures": AsCoded(unit_ratio=True, stale_average=True, zero_start=True),
}

STRATEGY = PublishedStrategy(
    name="DALS-Fast",
    generation=5,
    year=2026,
    reference="Yao et al., arXiv 2604.27295",
    lr={"vision": 0.05, "text": 1e-3},
    maker=make,
    as_coded={
        "vision": {"lr": 0.05, "weight_decay": 5e-4, **_AS_CODED},
        "text": {"lr": 1e-3, "weight_decay": 0.01, **_AS_CODED},
    },
)
