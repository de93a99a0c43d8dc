"""Every task: what its data are, that they can be learned, and that batches are what they should be."""

import hashlib
import io
import tarfile
import zipfile

import numpy as np
import pytest

pytest.importorskip("torch", reason="tasks need torch")

import torch

from lrtheory import tasks
from lrtheory.tasks import cifar10, imdb, rte, text, trec
from lrtheory.tasks.data import DataError, offline_folder
from lrtheory.tasks.images import crop_and_flip

SYNTHETIC = ("synthetic", "synthetic-draft", "synthetic-as-coded")
offline = pytest.mark.skipif(offline_folder() is None, reason="LRTHEORY_DATA names no folder with the data sets")


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match=r"'cifar' is not a task; the tasks are synthetic, cifar10"):
        tasks.get("cifar")


@pytest.mark.parametrize("name", SYNTHETIC)
def test_synthetic_data_depend_on_the_seed_alone(name):
    first, again, other = (tasks.get(name).load(seed) for seed in (3, 3, 4))
    assert torch.equal(first[0].inputs, again[0].inputs)
    assert torch.equal(first[1].labels, again[1].labels)
    assert not torch.equal(first[0].inputs, other[0].inputs)


def test_described_is_what_the_paper_says():
    train, test = tasks.get("synthetic").load(0)
    assert (len(train), len(test)) == (6400, 1600)
    signal, noise = train.inputs[:, :10], train.inputs[:, 10:]
    # 64 000 and 345 600 normal numbers: a standard deviation is known to about 0.3 % and 0.12 %.
    assert signal.std().item() == pytest.approx(3.0, rel=0.015)
    assert noise.std().item() == pytest.approx(0.1, rel=0.006)
    assert torch.equal(train.labels, signal.argmax(1))


def test_as_coded_tests_one_rule_and_trains_on_two():
    train, test = tasks.get("synthetic-as-coded").load(0)
    rule = (test.inputs[:, :5].sum(1) > 0).long()
    assert torch.equal(test.labels, rule)
    second = train.inputs[10000:]
    assert torch.equal(train.labels[10000:], (second[:, 0] * second[:, 1] + second[:, 2] * second[:, 3] > 0).long())
    agree = ((second[:, :5].sum(1) > 0).long() == train.labels[10000:]).float().mean().item()
    assert agree == pytest.approx(0.5, abs=0.02)  # 10 000 tosses: four standard errors are 0.02


def test_held_out_examples_are_a_tenth_and_not_trained_on():
    data = tasks.get("synthetic").data(0, hold_out=True)
    assert data.validation is not None
    assert (len(data.train), len(data.validation)) == (5760, 640)
    rows = {row.numpy().tobytes() for row in data.train.inputs}
    assert not any(row.numpy().tobytes() in rows for row in data.validation.inputs)
    assert tasks.get("synthetic").data(0, hold_out=False).validation is None


def test_a_reduced_scale_takes_a_fixed_part():
    small = [tasks.get("synthetic").data(1, hold_out=True, examples=200) for _ in range(2)]
    assert small[0].validation is not None
    assert (len(small[0].train), len(small[0].validation), len(small[0].test)) == (180, 20, 200)
    assert torch.equal(small[0].train.inputs, small[1].train.inputs)


def sentences(count=100):
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, 20, (count,), generator=generator).tolist()
    return text.examples([[place + 1] * length for place, length in enumerate(lengths)], list(range(count)))


@pytest.mark.parametrize("bucketed", [False, True])
def test_batches_are_a_permutation_trimmed_to_their_longest(bucketed):
    stored = sentences()
    seen = []
    for batch in stored.batches(8, torch.Generator().manual_seed(1), bucketed=bucketed):
        assert (batch.inputs[:, -1] != 0).any()
        assert ((batch.inputs == 0) | (batch.inputs == batch.labels[:, None] + 1)).all()
        seen += batch.labels.tolist()
    assert sorted(seen) == list(range(100))
    assert seen != list(range(100))


def test_buckets_hold_less_padding():
    stored = sentences(400)

    def padding(bucketed):
        batches = stored.batches(8, torch.Generator().manual_seed(1), bucketed=bucketed)
        return sum(int((batch.inputs == 0).sum()) for batch in batches)

    assert padding(True) < padding(False) / 2


def test_without_a_generator_the_order_is_the_stored_one():
    assert torch.cat([batch.labels for batch in sentences().batches(7)]).tolist() == list(range(100))


def test_crops_move_images_by_at_most_four_pixels():
    """An image that holds its own coordinates says where each pixel came from."""
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    image = torch.stack([rows + 1, columns + 1, torch.ones_like(rows)]).to(torch.uint8)
    images = image.expand(200, 3, 32, 32)
    moved = crop_and_flip(images, torch.Generator().manual_seed(0)).int()
    inside = moved[:, 2] == 1
    down = torch.where(inside, moved[:, 0] - (rows + 1), 0)
    assert down.abs().max() == 4
    right = moved[:, 1].masked_fill(~inside, 0)
    steps = (right[:, :, 1:] - right[:, :, :-1])[inside[:, :, 1:] & inside[:, :, :-1]]
    assert set(steps.unique().tolist()) == {-1, 1}
    mirrored = (right[:, 16, 17] < right[:, 16, 16]).float().mean()
    assert 0.35 < mirrored < 0.65  # 200 tosses: four standard errors are 0.14


def loss_falls(task, steps, lr, examples=128):
    data = task.data(0, hold_out=False, examples=examples)
    torch.manual_seed(0)
    model = task.model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    order = torch.Generator().manual_seed(0)
    losses = []
    while len(losses) < steps:
        for batch in data.train.batches(32, order, bucketed=task.family == "text"):
            losses.append(task.loss(task.forward(model, task.augment(batch.inputs, order)), batch.labels))
            optimizer.zero_grad()
            losses[-1].backward()
            optimizer.step()
    third = steps // 3
    return torch.stack(losses[:third]).mean() > torch.stack(losses[steps - third : steps]).mean()


@pytest.mark.parametrize("name", SYNTHETIC)
def test_synthetic_losses_fall(name):
    assert loss_falls(tasks.get(name), 60, 1e-3, examples=1000)


@offline
@pytest.mark.parametrize(
    ("name", "steps", "lr"), [("cifar10", 30, 1e-3), ("trec6-scratch", 60, 1e-3), ("trec6", 9, 2e-4), ("rte", 6, 2e-4)]
)
def test_losses_on_real_data_fall(name, steps, lr, tmp_path, monkeypatch):
    monkeypatch.setenv("LRTHEORY_CACHE", str(tmp_path))
    assert loss_falls(tasks.get(name), steps, lr, examples=16 if name == "rte" else 128)


@offline
def test_trec_is_the_official_split():
    train, train_labels, test, test_labels = trec.read()
    assert (len(train), len(test)) == (5452, 500)
    counts = {name: train_labels.count(place) for place, name in enumerate(trec.LABELS)}
    assert counts == {"ABBR": 86, "DESC": 1162, "ENTY": 1250, "HUM": 1223, "LOC": 835, "NUM": 896}
    assert test_labels.count(trec.LABELS.index("DESC")) == 138
    assert len(set(train) & set(test)) > 0  # a property of the official files


@offline
def test_rte_is_the_official_split():
    train, train_labels, test, test_labels = rte.read()
    assert (len(train), len(test)) == (2490, 277)
    assert (train_labels.count(0), test_labels.count(0)) == (1249, 146)
    assert all(len(pair) == 2 for pair in train)


@offline
def test_imdb_is_the_official_split():
    train, train_labels, test, test_labels = imdb.read()
    assert len(train) == len(test) == 25000
    assert sum(train_labels) == sum(test_labels) == 12500
    assert train_labels == sorted(train_labels)


@offline
def test_the_offline_images_are_the_official_bytes():
    """Rebuilt as the binary test batch, label byte before planes, they have the SHA-256 of the official file."""
    batch = cifar10._from_folder(cifar10.FILES["test_batch"])
    images = batch.inputs.numpy().reshape(10000, -1)
    records = np.concatenate([batch.labels.numpy().astype(np.uint8)[:, None], images], axis=1)
    official = "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"
    assert hashlib.sha256(records.tobytes()).hexdigest() == official


@offline
def test_tokens_are_cached_and_read_back(tmp_path, monkeypatch):
    monkeypatch.setenv("LRTHEORY_CACHE", str(tmp_path))
    text._tokens.cache_clear()
    first = tasks.get("trec6").load(0)
    (kept,) = (tmp_path / "tokens").iterdir()
    text._tokens.cache_clear()
    monkeypatch.setattr(text, "_tokenised", None)  # it would fail if it were called
    again = tasks.get("trec6").load(0)
    assert kept.suffix == ".npz"
    assert torch.equal(first[0].inputs, again[0].inputs)
    assert [len(batch) for batch in again[1].batches(64)] == [len(batch) for batch in first[1].batches(64)]


@offline
def test_results_name_the_encoder_and_what_it_was_tuned_on():
    task = tasks.get("rte")
    if task.encoder == text.SENTENCE_TUNED:
        assert "tuned on sentence pairs" in task.note
    assert task.encoder


@offline
def test_padding_changes_no_logit():
    """Rounding alone: attention over masked places adds exact zeros, sums of another length round differently."""
    task = tasks.get("rte")
    torch.manual_seed(0)
    model = task.model().eval()
    ids = task.load(0)[1].take(torch.arange(4)).inputs
    with torch.no_grad():
        short, long = task.forward(model, ids), task.forward(model, torch.nn.functional.pad(ids, (0, 30)))
    assert torch.allclose(short, long, atol=1e-5)


@pytest.fixture
def padded_with_one(tmp_path):
    """The folder of a small encoder of RoBERTa's kind: its first token is number 0, and it pads with number 1."""
    transformers = pytest.importorskip("transformers", reason="text tasks need transformers")
    tokenizers = pytest.importorskip("tokenizers")
    words = ["<s>", "<pad>", "</s>", "<unk>", "what", "is", "a", "rate"]
    whole = tokenizers.Tokenizer(tokenizers.models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    whole.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    ends = [("<s>", 0), ("</s>", 2)]
    whole.post_processor = tokenizers.processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=whole, cls_token="<s>", pad_token="<pad>", sep_token="</s>", unk_token="<unk>"
    ).save_pretrained(tmp_path / "encoder")
    config = transformers.RobertaConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=40, type_vocab_size=1, pad_token_id=1, initializer_range=0.5,
    )  # fmt: skip
    transformers.RobertaForSequenceClassification(config).save_pretrained(tmp_path / "encoder")
    return tmp_path / "encoder"


def test_an_encoder_may_pad_with_any_token(padded_with_one, tmp_path, monkeypatch):
    monkeypatch.setenv("LRTHEORY_CACHE", str(tmp_path))
    texts = ["what is a rate", "rate", "a rate"]
    task = text.fine_tuning(
        "questions", "Questions", 2, lambda: (texts, [0, 1, 1], texts, [0, 1, 1]), lambda: None,
        encoder=str(padded_with_one), max_length=20, epochs={"fair": 1},
    )  # fmt: skip
    examples = task.load(0)[0]
    assert examples.lengths.tolist() == [6, 3, 4]  # with the first and the last token
    model = task.model().eval()
    with torch.no_grad():
        together = task.forward(model, examples.take(torch.arange(3)).inputs)
        alone = torch.cat([task.forward(model, examples.take(torch.tensor([i])).inputs) for i in range(3)])
    assert torch.allclose(together, alone, atol=1e-5)  # sums of another length round differently
    assert not torch.allclose(together[0], together[1], atol=1e-5)


def test_long_texts_keep_their_first_and_last_tokens(padded_with_one):
    words = "what is a rate rate is what a rate"
    whole, short = (
        text._tokenised(str(padded_with_one), [words, "a rate"], 20, 0),
        text._tokenised(str(padded_with_one), [words, "a rate"], 6, 2),
    )
    ids = whole[0][whole[0] != 1].tolist()
    assert short[0].tolist() == ids[:2] + ids[-4:]
    assert short[1].tolist() == [*whole[1][:4].tolist(), 1, 1]


def test_an_encoder_that_is_nowhere_is_one_sentence(monkeypatch, tmp_path):
    pytest.importorskip("transformers", reason="text tasks need transformers")
    monkeypatch.delenv("LRTHEORY_DATA", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError, match="is no folder here and could not be downloaded"):
        text._tokenizer(str(tmp_path / "nothing"))


def test_public_archives_are_read_as_the_offline_files_are(tmp_path, monkeypatch):
    monkeypatch.delenv("LRTHEORY_DATA", raising=False)
    with zipfile.ZipFile(tmp_path / "RTE.zip", "w") as archive:
        for name in ("train", "dev"):
            archive.writestr(f"RTE/{name}.tsv", 'index\tsentence1\tsentence2\tlabel\n0\tIt "is.\tNo.\tnot_entailment\n')
    monkeypatch.setattr(rte, "download", lambda home: tmp_path / "RTE.zip")
    assert rte.read() == ([('It "is.', "No.")], [1], [('It "is.', "No.")], [1])

    with tarfile.open(tmp_path / "imdb.tar.gz", "w:gz") as archive:
        for name, words in (("train/pos/3_9.txt", "good"), ("train/neg/12_1.txt", "bad"), ("test/neg/0_2.txt", "so")):
            member = tarfile.TarInfo(f"aclImdb/{name}")
            member.size = len(words)
            archive.addfile(member, io.BytesIO(words.encode()))
    monkeypatch.setattr(imdb, "download", lambda home: tmp_path / "imdb.tar.gz")
    assert imdb.read() == (["bad", "good"], [0, 1], ["so"], [0])

    record = bytes([7]) + bytes(range(256)) * 12
    with tarfile.open(tmp_path / "cifar.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("cifar-10-batches-bin/test_batch.bin")
        member.size = len(record)
        archive.addfile(member, io.BytesIO(record))
    monkeypatch.setattr(cifar10, "download", lambda home: tmp_path / "cifar.tar.gz")
    batch = cifar10._from_home("test_batch")
    assert batch.labels.tolist() == [7]
    assert batch.inputs.flatten().tolist() == list(record[1:])
