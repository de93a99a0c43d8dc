"""Files of data sets: checked, found or fetched, and never taken for another."""

import hashlib
import sys
from types import SimpleNamespace

import pytest

pytest.importorskip("torch", reason="tasks need torch")

from lrtheory.tasks import cifar10, imdb, rte, trec
from lrtheory.tasks.data import DataError, Download, File, download, local, offline_folder

TEXT = b"what is it ?\n"
HASH = hashlib.sha256(TEXT).hexdigest()


@pytest.fixture
def offline(tmp_path, monkeypatch):
    monkeypatch.setenv("LRTHEORY_DATA", str(tmp_path))
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions" / "one").write_bytes(TEXT)
    return tmp_path


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """A stand-in for pooch: a dictionary of what each address has, and a list of what was asked for."""
    monkeypatch.delenv("LRTHEORY_DATA", raising=False)
    monkeypatch.setenv("LRTHEORY_CACHE", str(tmp_path / "cache"))
    contents, asked = {}, []

    def retrieve(url, known_hash, *, fname, path, progressbar):
        asked.append(url)
        if url not in contents:
            raise ConnectionError("no route")
        if "sha256:" + hashlib.sha256(contents[url]).hexdigest() != known_hash:
            raise ValueError("another hash")
        path.mkdir(parents=True, exist_ok=True)
        (path / fname).write_bytes(contents[url])
        return str(path / fname)

    logger = SimpleNamespace(setLevel=lambda level: None)
    monkeypatch.setitem(sys.modules, "pooch", SimpleNamespace(retrieve=retrieve, get_logger=lambda: logger))
    return contents, asked


def test_a_file_of_the_folder_is_checked(offline):
    assert local(File("questions/one", HASH)).read_bytes() == TEXT
    with pytest.raises(DataError, match="another SHA-256 than 000000000000"):
        local(File("questions/one", "0" * 64))
    with pytest.raises(DataError, match=r"questions/two is not in .*; unset LRTHEORY_DATA to fetch"):
        local(File("questions/two", HASH))


def test_a_file_changed_between_two_uses_is_noticed(offline):
    local(File("questions/one", HASH))
    (offline / "questions" / "one").write_bytes(TEXT + b"more")
    with pytest.raises(DataError, match="damaged or another version"):
        local(File("questions/one", HASH))


def test_a_folder_that_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv("LRTHEORY_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="which is not a folder"):
        offline_folder()
    monkeypatch.delenv("LRTHEORY_DATA")
    assert offline_folder() is None
    with pytest.raises(DataError, match="set LRTHEORY_DATA"):
        local(File("questions/one", HASH))


def test_a_mirror_steps_in_and_nothing_is_fetched_twice(homes):
    contents, asked = homes
    contents["https://mirror/one"] = TEXT
    wanted = Download("one", HASH, ("https://home/one", "https://mirror/one"))
    assert download(wanted).read_bytes() == TEXT
    assert asked == ["https://home/one", "https://mirror/one"]
    assert download(wanted).read_bytes() == TEXT
    assert len(asked) == 2


def test_other_bytes_are_refused_in_one_sentence(homes):
    contents, _ = homes
    contents["https://home/one"] = b"something else"
    with pytest.raises(DataError) as refused:
        download(Download("one", HASH, ("https://home/one", "https://mirror/one")))
    assert str(refused.value) == (
        "one could not be downloaded from any of its addresses: "
        "https://home/one (ValueError), https://mirror/one (ConnectionError); "
        "with a copy of the data, set LRTHEORY_DATA to its folder."
    )


def test_without_pooch_one_sentence_says_what_to_do(homes, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DataError, match=r"needs pooch: pip install 'lrtheory\[data\]', or set LRTHEORY_DATA"):
        download(Download("one", HASH, ("https://home/one",)))


@pytest.mark.parametrize("module", [cifar10, rte, trec, imdb], ids=lambda module: module.__name__)
def test_every_task_asks_its_homes_by_hash(module, homes):
    with pytest.raises(DataError, match="could not be downloaded from any of its addresses"):
        module.fetch()
    assert all(url.startswith("https://") for url in homes[1])
