"""No step of training waits for its device.

A step runs on torch's *meta* device, whose tensors have no values: whatever would bring a value back (``item``, ``nonzero``, a
copy to the CPU) raises, and so would wait on a GPU. Copies in the other direction must be asked not to wait. What a driver
does beside that, and whether kernels of CUDA wait inside, is not seen here.
"""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_optimizer", reason="some strategies need pytorch_optimizer")

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from lrtheory import tasks  # noqa: E402
from lrtheory.benchmarks import training  # noqa: E402
from lrtheory.benchmarks.experiment import Benchmark  # noqa: E402
from lrtheory.optim import strategies  # noqa: E402
from lrtheory.sweeps import residual_training  # noqa: E402
from lrtheory.sweeps.cifar10 import Cifar10  # noqa: E402
from lrtheory.tasks import cifar10, residual, text, trec  # noqa: E402
from lrtheory.tasks.digits import task as digits  # noqa: E402
from lrtheory.tasks.task import Examples, Settings  # noqa: E402
from lrtheory.training import ensemble  # noqa: E402

COUNT, BATCH = 40, 16


class CopiesDoNotWait(TorchDispatchMode):
    """Refuses copies from the CPU to the device that wait."""

    copies = 0

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        keywords = keywords or {}
        made = function(*arguments, **keywords)
        if function is torch.ops.aten._to_copy.default and (arguments[0].device.type, made.device.type) == (
            "cpu",
            "meta",
        ):
            assert keywords.get("non_blocking"), f"a copy of {tuple(made.shape)} waits"
            self.copies += 1
        return made


def labels():
    return torch.zeros(COUNT, dtype=torch.int64)


def images():
    return Examples(torch.zeros(COUNT, 3, 32, 32, dtype=torch.uint8), labels())


def words():
    lengths = torch.arange(COUNT) % 12 + 1
    return Examples((torch.arange(12) < lengths[:, None]).long(), labels(), lengths)


def encoder(kind):
    transformers = pytest.importorskip("transformers")
    sizes = {
        "Bert": {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32},
        "DistilBert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32},
    }
    transformers.logging.set_verbosity_error()
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=20, max_position_embeddings=16, num_labels=6, **sizes[kind]
    )
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    model.config.separator, model.config.pad_token_id = 3, 0
    return model


MODELS = {
    "synthetic": (lambda: tasks.get("synthetic"), lambda: Examples(torch.zeros(COUNT, 64), labels())),
    "cifar10": (cifar10.task, images),
    "trec6-scratch": (lambda: replace(trec.from_scratch(), maker=lambda: trec.Questions(20)), words),
    "BERT": (lambda: replace(cifar10.task(), family="text", maker=partial(encoder, "Bert"), forward=text.forward), words),
    "DistilBERT": (
        lambda: replace(cifar10.task(), family="text", maker=partial(encoder, "DistilBert"), forward=text.forward), words,
    ),
}  # fmt: skip
"""Tasks whose network is small or made small, and examples for it."""

PAIRS = [
    *(("synthetic", strategy.name) for strategy in strategies.REGISTRY),
    *((model, strategy) for model in MODELS if model != "synthetic" for strategy in ("AdamW", "SAM")),
]


@pytest.mark.parametrize(("model", "strategy"), PAIRS)
def test_an_epoch_reads_from_the_device_once_at_its_end(model, strategy, monkeypatch):
    make, draw = MODELS[model]
    task, examples = make(), draw()
    run = Benchmark(tasks=("synthetic",), device="cpu").cell("synthetic", strategy, lr=0.01)
    run = replace(run, batch=BATCH, epochs=2)
    monkeypatch.setattr(training, "_fuse", lambda optimizer: None)  # fused steps have no form without values
    steps = -(-COUNT // BATCH)
    network, moving, order, progress = training._begun(replace(run, device="meta"), task, steps)
    settings = Settings(2, BATCH, augment=model == "cifar10", bucketed=examples.lengths is not None)
    there = examples.to("meta")
    with pytest.raises(RuntimeError, match=r"item\(\) cannot be called on meta"), CopiesDoNotWait() as seen:
        training._epoch(run, task, settings, network, moving, there, order, progress, lambda: None, math.inf)
    assert progress.batches == steps  # it was raised by the last line
    assert seen.copies >= steps


@pytest.mark.parametrize("network", ["compact", "wide"])
def test_training_a_residual_network_reads_nothing(network, monkeypatch):
    monkeypatch.setattr(
        residual_training, "_logits", lambda model, images, precision: model(images)
    )  # no autocast here
    cell = replace(
        Cifar10(networks=(network,), scale="tiny").cells()[0], examples=COUNT, batch=BATCH, precision="float32"
    )
    filters = residual.whitening(torch.randint(256, (COUNT, 3, 32, 32), dtype=torch.uint8))
    made = residual.compact(2, filters, stride=2) if network == "compact" else residual.wide(10, 1)
    there = images().to("meta")
    made = made.to("meta")
    with CopiesDoNotWait() as seen:
        residual_training.train(cell, made, there)
    assert seen.copies >= cell.horizon


@pytest.mark.parametrize("rule", ensemble.RULES)
def test_training_an_ensemble_reads_nothing(rule):
    task = digits()
    examples, _ = task.load(0)
    trained = ensemble.train(
        task, examples, np.full((3, 4), 0.1), [0, 1, 2], rule=ensemble.RULES[rule](), batch=2, device="meta"
    )
    assert {tensor.device.type for tensor in trained.values()} == {"meta"}


@pytest.mark.parametrize("kind", ["Bert", "DistilBert"])
def test_the_mask_that_nothing_waits_for_is_the_same_mask(kind, monkeypatch):
    model, ids = encoder(kind).eval(), words().inputs
    with torch.no_grad():
        expected = text.forward(model, ids)
        monkeypatch.setattr(text, "waits", lambda device: True)
        found = text.forward(model, ids)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)  # logits of order 1, sums in another order
