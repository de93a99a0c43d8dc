"""What comes from elsewhere comes over HTTPS, with its hash, under its own name."""

import re
from pathlib import Path

import pytest

from lrtheory.tasks import cifar10, imdb, rte, trec
from lrtheory.tasks.data import Download

PACKAGE = Path(cifar10.__file__).parents[1]


@pytest.mark.parametrize(
    ("name", "url", "sentence"),
    [
        ("data.zip", "http://host/data.zip", "over HTTPS only, not from http://host/data.zip"),
        ("data.zip", "file:///etc/passwd", "over HTTPS only"),
        ("../data.zip", "https://host/data.zip", "a plain file name, not '../data.zip'"),
        ("/data.zip", "https://host/data.zip", "a plain file name"),
        (".hidden", "https://host/data.zip", "a plain file name"),
    ],
)
def test_a_download_that_is_not_safe_is_refused(name, url, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Download(name, "0" * 64, (url,))


def test_every_home_is_safe():
    for home in (cifar10.HOME, imdb.HOME, rte.HOME):
        assert re.fullmatch("[0-9a-f]{64}", home.sha256)
    assert all(home.startswith("https://") for home in trec.HOMES)


def test_nothing_is_unpickled_and_no_archive_is_unpacked_on_disk():
    """Archives are read member by member, arrays and weights by readers that execute nothing."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    for forbidden in (r"import pickle", r"pickle\.load", r"\.extractall\(", r"\.extract\(", r"allow_pickle=True"):
        assert not re.search(forbidden, text), forbidden
    assert all("weights_only=True" in call for call in re.findall(r"torch\.load\(.*", text))
    assert all("allow_pickle=False" in call for call in re.findall(r"np\.load\(.*", text))
