"""The eighteen strategies of the DALS benchmark, one file each.

They are used alike::

    training = strategies.build("DALS-Fast", model, horizon=1000)
    for x, y in batches:
        loss = training.step(lambda: loss_fn(model(x), y))

``build`` gives the form that a strategy's own paper describes, at the rate that the DALS paper states; with
``as_coded=True``, the form and the rate of the code behind its published table. A switch sets one difference alone, so
that its effect can be measured. On TREC-6 that code uses 0.6 times its rates for text.

torch and pytorch_optimizer supply the optimizers, except those that they lack (DALS) or whose form does not serve here:
the library's SAM puts the weights back and steps in one call, so a step that a gradient scaler skips would leave them
displaced; its LARS leaves vectors out and writes into gradients; its Grokfast filter writes into gradients and, before
version 4.0, into its own average with them. On what they have in common ours and the library's are tested to agree.
"""

from typing import Any

from torch import nn

from lrtheory.optim.strategies import (
    adabound,
    adam,
    adamw,
    cosine_sgd,
    dals,
    dals_acc,
    dals_fast,
    discriminative,
    fixed_sgd,
    grokfast,
    lars,
    lion,
    lookahead,
    radam,
    sam,
    sam_discriminative,
    sgdr,
    stlr_discriminative,
)
from lrtheory.optim.strategies.generations import GENERATIONS, Generation
from lrtheory.optim.strategies.strategy import FAMILIES, PublishedStrategy, Strategy, Training, closest

REGISTRY: tuple[PublishedStrategy, ...] = tuple(
    module.STRATEGY
    for module in (
        fixed_sgd, cosine_sgd, sgdr, adam, adamw, adabound, lars, discriminative, radam, lion, lookahead, sam, grokfast,
        stlr_discriminative, sam_discriminative, dals, dals_fast, dals_acc,
    )
)  # fmt: skip
"""In the order of the paper's table."""


def names() -> tuple[str, ...]:
    """The names of the strategies, in the order of the paper's table.

    Example:
        >>> names()[:3]
        ('Fixed SGD', 'Cosine Decay SGD', 'SGDR')
    """
    return tuple(strategy.name for strategy in REGISTRY)


def get(name: str) -> PublishedStrategy:
    """The strategy of a name, in capitals or not.

    Raises:
        ValueError: there is no such strategy.

    Example:
        >>> get("dals-fast").lr["vision"]
        0.05
        >>> get("ADAMS")
        Traceback (most recent call last):
        ...
        ValueError: there is no strategy 'ADAMS': did you mean 'Adam'?
        >>> get("sgd")
        Traceback (most recent call last):
        ...
        ValueError: there is no strategy 'sgd': did you mean 'Fixed SGD' or 'Cosine Decay SGD'?
    """
    for strategy in REGISTRY:
        if strategy.name.lower() == name.lower():
            return strategy
    if those := [repr(known) for known in names() if str(name).lower() in known.lower().split()]:
        raise ValueError(f"there is no strategy {name!r}: did you mean {' or '.join(those)}?")
    raise ValueError(f"there is no strategy {name!r}: {closest(name, names())}")


def build(name: str, model: nn.Module, horizon: int, lr: float | None = None, **options: Any) -> Training:
    """A strategy made ready to train a model: ``get(name).build(...)``, see :meth:`Strategy.build`.

    Example:
        >>> import torch
        >>> _, model = torch.manual_seed(0), torch.nn.Linear(3, 1)
        >>> training = build("AdamW", model, horizon=10, lr=0.1)
        >>> x = torch.ones(4, 3)
        >>> losses = [training.step(lambda: (model(x) - 1).square().mean()).item() for _ in range(10)]
        >>> losses[-1] < losses[0]
        True
    """
    return get(name).build(model, horizon, lr, **options)


__all__ = [
    "FAMILIES", "GENERATIONS", "REGISTRY", "Generation", "PublishedStrategy", "Strategy", "Training", "build", "get", "names",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
