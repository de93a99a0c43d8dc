"""RTE of GLUE: does the first sentence entail the second? The 277 development pairs stand for the test, as in the paper.

Source: Wang et al., arXiv:1804.07461, and the RTE challenges it gathers.
"""

import csv
import io
import zipfile

from lrtheory.tasks.data import Download, File, download, local, offline_folder
from lrtheory.tasks.task import Task
from lrtheory.tasks.text import Text, fine_tuning

TRAIN = File("rte/train.tsv", "41e3a9b063433392343fad9e962cf2f58b681c78d8f71592f4186f0837246c5c")
TEST = File("rte/dev.tsv", "80230dfa1347282e7b532b06a1004a76a710087541189bf874223ddf0e3819fb")
HOME = Download(
    "RTE.zip",
    "6bf86de103ecd335f3441bd43574d23fef87ecc695977a63b82d5efb206556ee",
    ("https://dl.fbaipublicfiles.com/glue/data/RTE.zip",),
)
LABELS = ("entailment", "not_entailment")


def task(encoder: str = "auto") -> Task:
    """2490 training and 277 test pairs, two classes."""
    return fine_tuning(
        "rte", "RTE", 2, read, fetch, encoder=encoder, max_length=128,
        epochs={"fair": 5, "as-described": 5, "as-coded": 10}, note="tested on GLUE's development set",
    )  # fmt: skip


def fetch() -> None:
    """Have both files, checked."""
    if offline_folder() is None:
        download(HOME)
    else:
        local(TRAIN)
        local(TEST)


def read() -> tuple[list[Text], list[int], list[Text], list[int]]:
    """Training pairs, their labels, test pairs, their labels."""
    return *_rows(TRAIN), *_rows(TEST)


def _rows(file: File) -> tuple[list[Text], list[int]]:
    if offline_folder() is None:
        with zipfile.ZipFile(download(HOME)) as archive:
            text = archive.read(f"RTE/{file.name.split('/')[-1]}").decode()
    else:
        text = local(file).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))
    return [(row["sentence1"], row["sentence2"]) for row in rows], [LABELS.index(row["label"]) for row in rows]
