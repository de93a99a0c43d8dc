"""Layers of models: each parameter in exactly one, in order, whatever the architecture."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lrtheory.optim.layers import (
    coarse_layer_names,
    depths,
    discriminative_groups,
    layer_groups,
    layer_names,
)


class ResidualBlock(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(width, width, 3), nn.BatchNorm2d(width), nn.Conv2d(width, width, 3))


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3)
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.stage1 = nn.Sequential(ResidualBlock(), ResidualBlock())
        self.stage2 = nn.Sequential(ResidualBlock(), ResidualBlock())
        self.head = nn.Linear(4, 2)


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(8))
        self.tokens = nn.Embedding(10, 8)
        self.positions = nn.Embedding(5, 8)
        self.norm = nn.LayerNorm(8)
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 3, enable_nested_tensor=False
        )
        self.head = nn.Linear(8, 2)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(10, 8)
        self.body = nn.Linear(8, 8)
        self.head = nn.Linear(8, 10, bias=False)
        self.head.weight = self.tokens.weight


def mlp(widths):
    return nn.Sequential(*(part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())))


def bert():
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        hidden_size=8, num_attention_heads=2, intermediate_size=16, vocab_size=20, num_hidden_layers=6
    )
    return transformers.BertForSequenceClassification(config)


def distilbert():
    transformers = pytest.importorskip("transformers")
    return transformers.DistilBertForSequenceClassification(
        transformers.DistilBertConfig(dim=8, n_heads=2, hidden_dim=16, vocab_size=20)
    )


# Number of parameters in each layer, bottom first.
KNOWN = [
    (lambda: mlp([4, 8, 8, 2]), [2, 2, 2]),
    (lambda: nn.Linear(3, 2), [2]),
    (ConvNet, [2, 4, 2, 2, 2]),
    (ResNet, [2, 6, 6, 6, 6, 2]),
    (Transformer, [5, 12, 12, 12, 2]),
    (Tied, [1, 2]),
    (bert, [5, 16, 16, 16, 16, 16, 16, 2, 2]),
    (distilbert, [4, 16, 16, 16, 16, 16, 16, 2, 2]),
]


@pytest.mark.parametrize(
    ("make", "sizes"), KNOWN, ids=["mlp", "linear", "cnn", "resnet", "own", "tied", "bert", "distil"]
)
def test_layers_of_known_architectures(make, sizes):
    model = make()
    layers = layer_names(model)
    assert [len(names) for names in layers] == sizes
    # A partition of the parameters, in order of registration wherever the first of each layer is concerned.
    names = [name for name, _ in model.named_parameters()]
    assert sorted(name for layer in layers for name in layer) == sorted(names)


@given(widths=st.lists(st.integers(1, 5), min_size=2, max_size=8))
@settings(deadline=None, max_examples=30)
def test_depths_rise_evenly_from_0_to_1(widths):
    model = mlp(widths)
    depth = depths(model)
    layers = len(widths) - 1
    expected = [layer / (layers - 1) if layers > 1 else 1.0 for layer in range(layers)]
    assert [depth[f"{2 * layer}.weight"] for layer in range(layers)] == expected
    assert [group["depth"] for group in layer_groups(model)] == expected


@given(widths=st.lists(st.integers(1, 5), min_size=2, max_size=8), decay=st.floats(1.0, 4.0))
@settings(deadline=None, max_examples=30)
def test_discriminative_rates_fall_by_one_factor_a_layer(widths, decay):
    rates = [group["lr"] for group in discriminative_groups(mlp(widths), lr=0.1, decay=decay)]
    assert rates[-1] == 0.1
    # Two divisions by powers of the same number.
    assert [high / low for low, high in pairwise(rates)] == pytest.approx([decay] * (len(rates) - 1), rel=1e-12)


def test_frozen_layers_keep_their_place():
    model = mlp([4, 8, 8, 2])
    model[0].requires_grad_(False)
    assert [group["depth"] for group in layer_groups(model)] == [0.5, 1.0]
    assert [round(group["lr"], 12) for group in discriminative_groups(model, lr=2.6)] == [1.0, 2.6]


def test_layers_may_be_chosen():
    model = ConvNet()
    assert depths(model, [["features"], ["classifier.1"], ["classifier.3"]])["features.0.weight"] == 0.0
    assert len(layer_groups(model, [["features", "classifier"]])) == 1
    full = depths(model, [["classifier"], ["features"]])
    assert full["classifier.1.weight"] == 0.0


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ([["features"]], "name 'classifier.1.weight' 0 times"),
        ([["features"], ["features.0"], ["classifier"]], "2 times"),
        ([["backbone"]], "no parameter of the model is named 'backbone'"),
        (["features"], r"write \['features'\]"),
    ],
)
def test_wrong_layers_are_refused(layers, sentence):
    with pytest.raises(ValueError, match=sentence):
        layer_names(ConvNet(), layers)


def test_models_with_nothing_to_train_are_refused():
    with pytest.raises(ValueError, match="has no parameters"):
        layer_names(nn.ReLU())
    with pytest.raises(ValueError, match="nothing to train"):
        layer_groups(mlp([2, 2]).requires_grad_(False))


def test_coarse_layers_are_those_of_the_published_code():
    assert [len(names) for names in coarse_layer_names(ConvNet())] == [8, 4]
    assert len(coarse_layer_names(mlp([20, 256, 256, 256, 10]))) == 4
    model = distilbert()
    assert [len(names) for names in coarse_layer_names(model)] == [4, 32, 32, 32, 2, 2]
    assert [group["depth"] for group in layer_groups(model, coarse_layer_names(model))] == [0, 0.2, 0.4, 0.6, 0.8, 1]
