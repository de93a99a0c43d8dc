"""Public names are listed, typed and usable: pyright checks ``public_api.py``, and here it runs."""

import re
from pathlib import Path

import pytest

import lrtheory
from tests.typing import public_api

TEXT = Path(public_api.__file__).read_text(encoding="utf-8")


def test_every_name_of_the_library_is_used():
    assert [name for name in dir(lrtheory) if not re.search(rf"\blr\.{name}\b", TEXT)] == []


def test_every_name_for_training_is_used():
    pytest.importorskip("torch")
    from lrtheory import optim

    assert [name for name in dir(optim) if not re.search(rf"\boptim\.{name}\b", TEXT)] == []


def test_the_library_runs():
    public_api.without_torch()


def test_training_runs():
    pytest.importorskip("torch")
    public_api.with_torch()
