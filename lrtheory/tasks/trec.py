"""TREC-6: what does a question ask for? Fine-tuned, as the paper's programs do, and from scratch, as its abstract says.

Ten of the 500 test questions also occur in training, in the official files. Source: Li and Roth, COLING 2002.
"""

import re
from collections import Counter
from functools import cache

from torch import Tensor, nn

from lrtheory.tasks.data import Download, File, download, local, offline_folder
from lrtheory.tasks.task import Examples, FunctionTask, Settings, Task
from lrtheory.tasks.text import Text, examples, fine_tuning

TRAIN = File("trec/train_5500.label", "9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3")
TEST = File("trec/TREC_10.label", "033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e")
HOMES = ("https://cogcomp.seas.upenn.edu/Data/QA/QC/", "https://cogcomp.org/Data/QA/QC/")
LABELS = ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")

WIDTH, BLOCKS, HEADS, LONGEST = 64, 2, 4, 40
"""The sizes of the network trained from scratch: chosen for the size of its data, not of a pretrained encoder."""


def fine_tuned(encoder: str = "auto") -> Task:
    """5452 training and 500 test questions, six classes, on a pretrained encoder."""
    return fine_tuning(
        "trec6", "TREC-6", 6, read, fetch, encoder=encoder, max_length=128,
        epochs={"fair": 5, "as-described": 5, "as-coded": 10}, lr_factor_as_coded=0.6,
    )  # fmt: skip


def from_scratch() -> Task:
    """The same questions as words of the training set, on a small transformer from random weights.

    The programs behind the paper never ran this, so it has one setting for all protocols.
    """
    return FunctionTask(
        name="trec6-scratch", title="TREC-6 (scratch)", family="vision", classes=6,
        settings={
            protocol: Settings(epochs=10, batch=32, bucketed=True) for protocol in ("fair", "as-described", "as-coded")
        },
        loader=lambda seed: _words(), maker=lambda: Questions(_vocabulary_size()), fetch=fetch,
        note=f"words of the training set; {BLOCKS} encoder blocks of width {WIDTH} from random weights",
    )  # fmt: skip


class Questions(nn.Module):
    """A transformer encoder on words: embeddings, blocks with the norm first, the mean over words, a linear head."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, WIDTH)
        self.places = nn.Embedding(LONGEST, WIDTH)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, batch_first=True, norm_first=True)
            for _ in range(BLOCKS)
        )
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, len(LABELS))

    def forward(self, ids: Tensor) -> Tensor:
        """Logits of word numbers padded with zeros."""
        padding = ids == 0
        hidden = self.words(ids) + self.places.weight[: ids.shape[1]]
        for block in self.blocks:
            hidden = block(hidden, src_key_padding_mask=padding)
        there = (~padding).unsqueeze(-1)
        return self.head((self.norm(hidden) * there).sum(1) / there.sum(1))


def fetch() -> None:
    """Have both files, checked."""
    _path(TRAIN)
    _path(TEST)


def read() -> tuple[list[Text], list[int], list[Text], list[int]]:
    """Training questions, their labels, test questions, their labels."""
    return *_rows(TRAIN), *_rows(TEST)


def _path(file: File):
    if offline_folder() is not None:
        return local(file)
    name = file.name.split("/")[-1]
    return download(Download(name, file.sha256, tuple(home + name for home in HOMES)))


def _rows(file: File) -> tuple[list[Text], list[int]]:
    lines = [line.partition(" ") for line in _path(file).read_text(encoding="latin-1").splitlines()]
    return [question.strip() for _, _, question in lines], [LABELS.index(label.split(":")[0]) for label, _, _ in lines]


@cache
def _words() -> tuple[Examples, Examples]:
    train, train_labels, test, test_labels = read()
    number = _numbers()
    unknown = len(number) + 1

    def rows(questions: list[Text]) -> list[list[int]]:
        return [[number.get(word, unknown) for word in _split(question)][:LONGEST] for question in questions]

    return examples(rows(train), train_labels), examples(rows(test), test_labels)


@cache
def _numbers() -> dict[str, int]:
    """Words that occur twice or more in training, numbered from 1; 0 is padding, the last number any other word."""
    counts = Counter(word for question in _rows(TRAIN)[0] for word in _split(question))
    return {word: place for place, word in enumerate((word for word, n in counts.items() if n > 1), start=1)}


def _vocabulary_size() -> int:
    return len(_numbers()) + 2


def _split(question: Text) -> list[str]:
    return re.findall(r"[a-z]+|\d|\S", str(question).lower())
