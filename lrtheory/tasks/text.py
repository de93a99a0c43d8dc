"""Pretrained encoders and their tokens: what the text tasks share."""

import hashlib
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lrtheory.runs.store import whole_file
from lrtheory.tasks.data import DataError, cache_folder, offline_folder, sha256
from lrtheory.tasks.task import Examples, FunctionTask, Settings, Task

DEFAULT_ENCODER = "distilbert-base-uncased"
REVISIONS = {DEFAULT_ENCODER: "12040accade4e8a0f71eabdb258fecc2e7e948be"}
"""The revisions of encoders on the hub, so that a name always means the same bytes; other names mean the newest."""

SENTENCE_TUNED = "all-MiniLM-L6-v2"
"""The encoder of the offline folder: tuned on a thousand million sentence pairs, among them SNLI and MultiNLI."""

Pair = tuple[str, str]
Text = str | Pair


def fine_tuning(
    name: str, title: str, classes: int, read: Callable[[], tuple[list[Text], list[int], list[Text], list[int]]],
    fetch: Callable[[], None], *, encoder: str, max_length: int, epochs: dict[str, int], first: int = 0,
    lr_factor_as_coded: float = 1.0, note: str = "",
) -> Task:  # fmt: skip
    """A task that fine-tunes a pretrained encoder with a fresh head.

    Args:
        name: The name of the task.
        title: The title of its column in a table.
        classes: The number of classes.
        read: Training texts and labels, then those of the test; a text is a sentence or a pair of sentences.
        fetch: Makes sure that the files of ``read`` are there.
        encoder: A folder, a name ``transformers`` knows, or ``"auto"``.
        max_length: Tokens kept of a text.
        epochs: The epochs of each protocol.
        first: The number of tokens that are kept from the beginning of a longer text; the others are its last. With 0 all are
            from the beginning. For single sentences.
        lr_factor_as_coded: What the published program multiplies its rates by.
        note: What a reader must know.
    """
    chosen = resolve(encoder)
    where = str(_folder(chosen) or chosen)

    def load(seed: int) -> tuple[Examples, Examples]:
        return _tokens(name, where, max_length, first, read)

    def model() -> nn.Module:
        from transformers import AutoModelForSequenceClassification, logging

        logging.set_verbosity_error()  # the head is fresh, as it should be: no need to warn of it every run
        logging.disable_progress_bar()
        network = AutoModelForSequenceClassification.from_pretrained(
            where, num_labels=classes, use_safetensors=True, revision=REVISIONS.get(where, "main")
        )
        network.config.separator = _tokenizer(where).sep_token_id
        network.config.pad_token_id = _padding(where)
        return network

    def fetch_all() -> None:
        fetch()
        _padding(where)

    if Path(chosen).name == SENTENCE_TUNED:
        note = "; ".join(filter(None, [note, f"{SENTENCE_TUNED} is tuned on sentence pairs, DistilBERT is not"]))
    return FunctionTask(
        name, title, "text", classes,
        {
            protocol: Settings(count, batch=32, bucketed=protocol != "as-coded") for protocol, count in epochs.items()
        },
        load, model, fetch_all, forward, encoder=chosen,
        lr_factor_as_coded=lr_factor_as_coded, mixed=True, note=note,
    )  # fmt: skip


def resolve(encoder: str) -> str:
    """The encoder that is meant: itself, or for ``"auto"`` the default.

    With ``LRTHEORY_DATA`` that is DistilBERT if its ``models`` folder has it, and else the first encoder there.
    """
    folder = offline_folder()
    if encoder != "auto":
        return encoder
    if folder is None:
        return DEFAULT_ENCODER
    found = sorted(path.parent.name for path in folder.glob("models/*/config.json"))
    return DEFAULT_ENCODER if DEFAULT_ENCODER in found or not found else found[0]


def forward(model: Any, ids: Tensor) -> Tensor:
    """Logits of padded token numbers; what follows the first separator is the second segment.

    transformers reads a mask of two dimensions back from the device, to leave it out where nothing is padded; the mask that it
    makes itself, of four dimensions, it takes as it is. On a CPU nothing waits, and leaving it out is faster.
    """
    there = ids != model.config.pad_token_id
    mask = there
    if waits(ids.device) and _takes_whole_masks():
        mask = there[:, None, None, :].expand(-1, -1, ids.shape[1], -1)
    more = {}
    if getattr(model.config, "type_vocab_size", 0) > 1:
        separator = (ids == model.config.separator).long()
        more["token_type_ids"] = ((separator.cumsum(1) > separator) & there).long()
    return model(input_ids=ids, attention_mask=mask, **more).logits


def waits(device: torch.device) -> bool:
    """Whether reading a value from a device waits for what it has been asked to do."""
    return device.type != "cpu"


@cache
def _takes_whole_masks() -> bool:
    """Whether this version of transformers makes the masks of encoders in one place, which lets whole ones pass."""
    try:
        from transformers.masking_utils import create_bidirectional_mask  # noqa: F401
    except ImportError:
        return False
    return True


def examples(rows: Sequence[Sequence[int]], labels: Sequence[int]) -> Examples:
    """Token sequences of different lengths as one array, padded with zeros.

    Example:
        >>> examples([[5, 6], [7]], [0, 1]).inputs.tolist()
        [[5, 6], [7, 0]]
    """
    lengths = torch.tensor([len(row) for row in rows])
    padded = nn.utils.rnn.pad_sequence([torch.tensor(row, dtype=torch.int64) for row in rows], batch_first=True)
    return Examples(padded, torch.tensor(labels), lengths)


def _folder(encoder: str) -> Path | None:
    """The folder of an encoder: itself, or the one of its name among the offline models."""
    offline = offline_folder()
    folders = [Path(encoder)] + ([offline / "models" / encoder] if offline is not None else [])
    return next((folder for folder in folders if (folder / "config.json").is_file()), None)


@cache
def _tokenizer(where: str) -> Any:
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise DataError("the text tasks need transformers: pip install 'lrtheory[text]'.") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a hub that cannot be reached warns first and fails then
            return AutoTokenizer.from_pretrained(where, revision=REVISIONS.get(where, "main"))
    except (OSError, ValueError):
        raise DataError(
            f"the encoder {where} is no folder here and could not be downloaded from the Hugging Face hub; "
            "give a folder with --encoder, or set LRTHEORY_DATA to one that has models/."
        ) from None


@cache
def _tokens(
    name: str,
    where: str,
    max_length: int,
    first: int,
    read: Callable[[], tuple[list[Text], list[int], list[Text], list[int]]],
) -> tuple[Examples, Examples]:
    """Training and test tokens, read from the cache where the same texts were tokenised before by the same tokenizer."""
    train, train_labels, test, test_labels = read()
    padding = _padding(where)
    digest = hashlib.sha256(repr((name, _identity(where), max_length, first, padding)).encode())
    for text in (*train, *test):
        digest.update(repr(text).encode())
    path = cache_folder() / "tokens" / f"{name}-{digest.hexdigest()[:16]}.npz"
    if not path.is_file():
        with whole_file(path) as temporary, temporary.open("wb") as stream:
            ids = [_tokenised(where, texts, max_length, first) for texts in (train, test)]
            np.savez(stream, train=ids[0], test=ids[1])
    with np.load(path, allow_pickle=False) as kept:
        return _examples(kept["train"], train_labels, padding), _examples(kept["test"], test_labels, padding)


def _padding(where: str) -> int:
    """The number of the token that an encoder pads with."""
    number = _tokenizer(where).pad_token_id
    if number is None:
        raise DataError(
            f"the encoder {where} has no token to pad with, so it cannot be fine-tuned on batches; choose another."
        )
    return number


def _identity(where: str) -> str:
    """What a tokenizer is known by: the bytes of its file, or its name on the hub."""
    file = Path(where) / "tokenizer.json"
    return sha256(file) if file.is_file() else where


def _tokenised(where: str, texts: Sequence[Text], max_length: int, first: int) -> np.ndarray:
    if first:
        whole = _tokenizer(where)(list(texts), verbose=False)["input_ids"]
        return _padded([ends(ids, first, max_length - first) for ids in whole], max_length, _padding(where))
    split = [(text, None) if isinstance(text, str) else text for text in texts]
    left, right = [pair[0] for pair in split], [pair[1] for pair in split]
    rows = _tokenizer(where)(left, None if right[0] is None else right, truncation=True, max_length=max_length)
    return _padded(rows["input_ids"], max_length, _padding(where))


def ends(ids: Sequence[int], first: int, last: int) -> Sequence[int]:
    """The first and the last of some tokens, all of them where there are no more.

    Example:
        >>> ends([1, 2, 3, 4, 5, 6], 2, 3), ends([1, 2, 3], 2, 3)
        ([1, 2, 4, 5, 6], [1, 2, 3])
    """
    return ids if len(ids) <= first + last else [*ids[:first], *ids[len(ids) - last :]]


def _padded(rows: Sequence[Sequence[int]], length: int, padding: int) -> np.ndarray:
    padded = np.full((len(rows), length), padding, dtype=np.int32)
    for line, ids in zip(padded, rows):
        line[: len(ids)] = ids
    return padded


def _examples(ids: np.ndarray, labels: Sequence[int], padding: int) -> Examples:
    tokens: Tensor = torch.from_numpy(ids.astype(np.int64))
    return Examples(tokens, torch.tensor(labels), (tokens != padding).sum(1))
