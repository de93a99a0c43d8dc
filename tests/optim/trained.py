"""Small models that the tests of strategies train."""

import torch
from torch import nn

HORIZON, EPOCH = 60, 20
LAYERED = {"Discriminative LR", "STLR+Discriminative", "SAM+Discriminative", "DALS", "DALS-Fast", "DALS-Acc"}
TWICE = {"SAM", "SAM+Discriminative"}


def network(seed=0, dtype=torch.float32):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 2)).to(dtype)


class Bowl:
    """A quadratic of every parameter, half the squared distance to a target, and how often it was evaluated."""

    def __init__(self, model, seed=1):
        generator = torch.Generator().manual_seed(seed)
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.targets = [torch.randn(p.shape, generator=generator).to(p) for p in self.parameters]
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return sum(((p - t) ** 2).sum() for p, t in zip(self.parameters, self.targets)) / 2


def build(strategy, model, **options):
    return strategy.build(model, HORIZON, **{"steps_per_epoch": EPOCH, **options})


def values(model):
    return [parameter.detach().clone() for parameter in model.parameters()]


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
