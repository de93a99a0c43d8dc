from torch import nn

from lrtheory.checks import exact
from lrtheory.optim.dals import AS_PRINTED, DALS, AsCoded
from lrtheory.optim.layers import Layers, coarse_layer_names, layer_groups
from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training
from lrtheory.schedules import Cosine, Formula, Schedule, Warmup


def warmup_from_zero(fraction: float) -> Schedule:
    """Warm-up and cosine with the steps counted from 0, as the published code counts them: the first rate is 0.

    Example:
        >>> warmup_from_zero(0.5).steps(4)
        array([0. , 0.5, 1. , 0.5])
    """
    w = exact(fraction)
    cosine = f"(1 + cos(pi*(u - {w})/(1 - {w})))/2"
    return Formula(
        f"Piecewise((u/({w}), u < {w}), ({cosine}, True))", name=f"warm-up from zero over {fraction:g}, cosine"
    )


def dals_training(
    model: nn.Module,
    setting: Setting,
    variant: str,
    schedule: Schedule,
    *,
    weight_decay: float,
    layers: Layers | None,
    coarse_layers: bool,
    departures: AsCoded,
) -> Training:
    """A variant of DALS with a schedule, on the layers of a model."""
    if coarse_layers:
        layers = coarse_layer_names(model)
    optimizer = DALS(
        layer_groups(model, layers),
        setting.lr,
        horizon=setting.horizon,
        variant=variant,
        schedule=schedule,
        weight_decay=weight_decay,
        as_coded=departures,
    )
    return Training(optimizer)


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
    """DALS with a warm-up over 5 % of the run (10 % for text) and a cosine.

    ``from_zero`` counts the warm-up from 0, so the first step is wasted; ``departures`` are those of the published
    optimizer; ``coarse_layers`` takes the model's children and encoder blocks in pairs.
    """
    fraction = 0.05 if setting.family == "vision" else 0.1
    schedule = warmup_from_zero(fraction) if from_zero else Warmup(Cosine(), fraction)
    return dals_training(
        model, setting, "base", schedule,
        weight_decay=weight_decay, layers=layers, coarse_layers=coarse_layers, departures=departures,
    )  # fmt: skip


_AS_CODED = {"coarse_layers": True, "from_zero": True, "departures": AsCoded(unit_ratio=True, zero_start=True)}

STRATEGY = PublishedStrategy(
    name="DALS",
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
