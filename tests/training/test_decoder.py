"""The decoder of bytes and its runs: causal, determined by their seeds, and the same as a loop without fused or batched calls."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lrtheory import Cosine  # noqa: E402
from lrtheory.tasks import bytes as task  # noqa: E402
from lrtheory.training import decoder_run  # noqa: E402
from lrtheory.training.decoder import Decoder  # noqa: E402

WIDTH, DEPTH, BATCH = 32, 1, 2
TEXT = np.random.default_rng(0).choice(np.frombuffer(b"abacadabra ", np.uint8), size=4_000)
TEXTS = (TEXT[:3_000], TEXT[3_000:])


@pytest.fixture(autouse=True)
def _few_windows(monkeypatch):
    """Losses on fewer held-out windows, which take most of the time of runs this short."""
    monkeypatch.setattr(task, "HELD_OUT", 32)
    monkeypatch.setattr(decoder_run, "ON_THE_WAY", 32)


def run(lrs, *, optimizer="adamw", clip=0.0, seed=0):
    return decoder_run.train(TEXTS, lrs, seed, optimizer=optimizer, width=WIDTH, depth=DEPTH, batch=BATCH, clip=clip)


def test_a_place_does_not_see_what_follows_it():
    decoder = Decoder(WIDTH, 2, seed=0)
    inputs = torch.from_numpy(TEXT[: task.CONTEXT].astype(np.int64))[None]
    for place in (0, 17, task.CONTEXT - 2):
        changed = inputs.clone()
        changed[0, place + 1 :] = 255
        assert torch.equal(decoder(inputs)[0, : place + 1], decoder(changed)[0, : place + 1])
        assert not torch.equal(decoder(inputs)[0, place + 1 :], decoder(changed)[0, place + 1 :])


def test_first_weights_depend_on_the_seed_alone_and_leave_the_global_generator_alone():
    state = torch.get_rng_state()
    first, again, other = (torch.cat([p.ravel() for p in Decoder(WIDTH, 1, seed=s).parameters()]) for s in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(state, torch.get_rng_state())


def test_without_steps_nothing_changes():
    losses = run(np.zeros(32))
    assert losses.before == pytest.approx(math.log(task.VALUES), abs=0.05)  # small weights: nearly uniform guesses
    assert losses.way == [losses.before] * decoder_run.CHECKPOINTS
    # means of equal float32 weights are those weights up to an ulp, which bfloat16 products do not show
    assert [losses.ema, *losses.merged.values()] == pytest.approx([losses.last] * 5, abs=1e-3)


@pytest.mark.parametrize(("optimizer", "clip"), [("adamw", 0.0), ("adamw", 0.5), ("momentum", 0.5)])
def test_a_run_is_its_plain_loop(optimizer, clip):
    """Steps, clipping, averages and checkpoints as their formulas say, parameter by parameter."""
    horizon, size = 64, 0.01 if optimizer == "adamw" else 0.1
    lrs = Cosine().steps(horizon, lr=size)
    decoder = Decoder(WIDTH, DEPTH, seed=0)
    weights = list(decoder.parameters())
    first, second = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    average = [w.detach().clone() for w in weights]
    checkpoints = []
    for step, lr in enumerate(lrs.tolist()):
        decoder.zero_grad()
        decoder_run.next_byte_loss(decoder, *task.batch(TEXTS[0], BATCH, 0, step)).backward()
        gradients = [w.grad for w in weights]
        norm = math.sqrt(sum(float((g.double() ** 2).sum()) for g in gradients))
        if clip:
            gradients = [g * min(1.0, clip / (norm + 1e-6)) for g in gradients]
        with torch.no_grad():
            for w, g, m, v, a in zip(weights, gradients, first, second, average):
                if optimizer == "adamw":
                    m.mul_(0.9).add_(0.1 * g)
                    v.mul_(0.95).add_(0.05 * g**2)
                    w.mul_(1 - lr * decoder_run.WEIGHT_DECAY)
                    w.sub_(lr * (m / (1 - 0.9 ** (step + 1))) / ((v / (1 - 0.95 ** (step + 1))).sqrt() + 1e-8))
                else:
                    m.copy_(0.9 * m + g)
                    w.sub_(lr * m)
                a.add_((w - a) / (decoder_run.WINDOW * horizon))
        if (step + 1) % (horizon // decoder_run.CHECKPOINTS) == 0:
            checkpoints.append([w.detach().clone() for w in weights])

    def loss(kept):
        with torch.no_grad():
            for w, value in zip(weights, kept):
                w.copy_(value)
            inputs, targets = task.held_out(TEXTS[1])
            pairs = zip(inputs.split(decoder_run.TOGETHER), targets.split(decoder_run.TOGETHER))
            return float(np.mean([float(decoder_run.next_byte_loss(decoder, *pair)) for pair in pairs]))

    found = run(lrs, optimizer=optimizer, clip=clip)
    assert found.last < found.before - 1  # it learns what eleven letters there are
    # bfloat16 products round to 2**-8 of a logit: two orders of operations differ by less than a hundredth of a nat here
    assert found.last == pytest.approx(loss(checkpoints[-1]), abs=0.01)
    assert found.ema == pytest.approx(loss(average), abs=0.01)
    for number in decoder_run.MERGED:
        mean = [torch.stack(kept).mean(0) for kept in zip(*checkpoints[-number:])]
        assert found.merged[number] == pytest.approx(loss(mean), abs=0.01)


def test_the_same_run_twice_has_the_same_losses():
    lrs = Cosine().steps(32, lr=0.01)
    assert run(lrs) == run(lrs)
    assert run(lrs) != run(lrs, seed=1)


def test_muon_learns_and_leaves_the_embedding_to_adamw():
    if not hasattr(torch.optim, "Muon"):
        with pytest.raises(ModuleNotFoundError, match=r"no Muon, which came with torch 2\.9"):
            run(np.zeros(32), optimizer="muon")
        return
    muon, adamw = decoder_run.OPTIMIZERS["muon"](decoder := Decoder(WIDTH, DEPTH, seed=0))
    given = [p for each in (muon, adamw) for group in each.param_groups for p in group["params"]]
    assert sorted(map(id, given)) == sorted(map(id, decoder.parameters()))
    assert not any(p is decoder.bytes.weight or p is decoder.head.weight for p in muon.param_groups[0]["params"])
    losses = run(Cosine().steps(64, lr=0.01), optimizer="muon")
    assert losses.last < losses.before - 1


def test_a_run_that_diverges_has_no_losses_and_says_so():
    losses = run(np.full(64, 1e30), optimizer="momentum")
    assert math.isfinite(losses.before)
    assert all(map(math.isnan, [losses.last, losses.ema, *losses.merged.values()]))
    assert len(losses.way) == decoder_run.CHECKPOINTS
    assert math.isnan(losses.way[-1])
