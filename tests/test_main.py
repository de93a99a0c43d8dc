"""The console command passes its arguments on."""

import sys

import pytest

from lrtheory.__main__ import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(monkeypatch, capsys, command):
    monkeypatch.setattr(sys, "argv", ["lrtheory", command, "--help"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    assert "example: python -m lrtheory" in capsys.readouterr().out


def test_no_such_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lrtheory", "dance"])
    assert main() == 2
    assert "usage: lrtheory COMMAND" in capsys.readouterr().out


def test_arguments_arrive(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lrtheory", "plan", "1e-3", "1e-2", "--budget", "1"])
    assert main() == 0
    assert "Cosine(): try" in capsys.readouterr().out
