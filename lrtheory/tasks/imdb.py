"""IMDb: is a film review positive? The official split of Maas et al., ACL 2011."""

import json
import lzma
import re
import tarfile

from lrtheory.tasks.data import Download, File, download, local, offline_folder
from lrtheory.tasks.task import Task
from lrtheory.tasks.text import Text, fine_tuning

FILES = {
    "train": File("imdb/train.jsonl.xz", "d660527b484002264650c3f3c391101483e45505a3883c64f44fca0ac09f0873"),
    "test": File("imdb/test.jsonl.xz", "3526853853fc6088b804fc773d699fb99685ca6cadf6aa2e69a112b93b459978"),
}
HOME = Download(
    "aclImdb_v1.tar.gz",
    "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
    (
        "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        "https://bj.bcebos.com/dataset/imdb%2FaclImdb_v1.tar.gz",
    ),
)


def task(encoder: str = "auto") -> Task:
    """25 000 training and 25 000 test reviews, two classes, the first 256 tokens of each."""
    return fine_tuning(
        "imdb", "IMDb", 2, read, fetch, encoder=encoder, max_length=256,
        epochs={"fair": 3, "as-described": 3, "as-coded": 5}, note="the first 256 tokens of each review",
    )  # fmt: skip


def short(encoder: str = "auto") -> Task:
    """The same reviews cut to 96 tokens, which take a third of the time: the first 24 and the last 72 of each.

    Reviewers say at the end what they think.
    """
    return fine_tuning(
        "imdb-short", "IMDb (96 tokens)", 2, read, fetch, encoder=encoder, max_length=96, first=24,
        epochs=dict.fromkeys(("fair", "as-described", "as-coded"), 2), note="the first 24 and the last 72 tokens of each review",
    )  # fmt: skip


def fetch() -> None:
    """Have every file, checked."""
    if offline_folder() is None:
        download(HOME)
    else:
        for file in FILES.values():
            local(file)


def read() -> tuple[list[Text], list[int], list[Text], list[int]]:
    """Training reviews, their labels, test reviews, their labels: negative ones first, by number."""
    rows = _from_home() if offline_folder() is None else {split: _from_folder(file) for split, file in FILES.items()}
    return *rows["train"], *rows["test"]


def _from_folder(file: File) -> tuple[list[Text], list[int]]:
    with lzma.open(local(file), "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    return [row["text"] for row in rows], [row["label"] for row in rows]


def _from_home() -> dict[str, tuple[list[Text], list[int]]]:
    found: dict[str, list[tuple[int, int, str]]] = {"train": [], "test": []}
    with tarfile.open(download(HOME)) as archive:
        for member in archive:
            match = re.fullmatch(r"aclImdb/(train|test)/(neg|pos)/(\d+)_\d+\.txt", member.name)
            if match and (stream := archive.extractfile(member)) is not None:
                found[match[1]].append((int(match[2] == "pos"), int(match[3]), stream.read().decode("utf-8")))
    return {
        split: ([text for _, _, text in sorted(rows)], [label for label, _, _ in sorted(rows)])
        for split, rows in found.items()
    }
