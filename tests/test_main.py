"""The console command passes its arguments on."""

import argparse
import re
import sys
from functools import partial

import pytest

import lrtheory
from lrtheory import WSD
from lrtheory.__main__ import COMMANDS, main
from lrtheory.benchmarks.experiment import Benchmark
from lrtheory.command_line import add_fields
from lrtheory.sweeps import EXPERIMENTS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(monkeypatch, capsys, command):
    monkeypatch.setattr(sys, "argv", ["lrtheory", command, "--help"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    assert "example: lrtheory " in capsys.readouterr().out


@pytest.mark.parametrize("kind", [Benchmark, *(entry.load() for entry in EXPERIMENTS.values())])
def test_every_option_of_an_experiment_is_explained_in_sentences(kind):
    parser = argparse.ArgumentParser(add_help=False, formatter_class=partial(argparse.HelpFormatter, width=10_000))
    add_fields(parser, kind())
    _, *options = re.split(r"\n  (?=--)", parser.format_help())
    assert options
    for option in options:
        assert re.search(r"\s{2}[A-Z0-9].*\. Default: .*\.$", " ".join(option.strip().split("\n"))), option


def test_no_such_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lrtheory", "dance"])
    assert main() == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("lrtheory: there is no command 'dance'.\n\nusage: lrtheory COMMAND")


def test_no_command_is_a_question(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lrtheory"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("usage: lrtheory COMMAND")


def test_the_version(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lrtheory", "--version"])
    assert main() == 0
    assert capsys.readouterr().out == f"lrtheory {lrtheory.__version__}\n"


def test_an_empty_default_is_shown(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lrtheory", "benchmark", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert "Default: ." not in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("module", "extra", "command"),
    [
        ("torch", "torch", ["benchmark", "--help"]),
        ("torch", "torch", ["benchmark", "--quick"]),
        ("PEPit", "certificates", ["sweep", "tightness", "--quick"]),
    ],
    ids=" ".join,
)
def test_what_is_not_installed_is_one_sentence(monkeypatch, capsys, tmp_path, module, extra, command):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["lrtheory", *command])
    assert main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"needs {module}: pip install 'lrtheory[{extra}]'.")


def test_a_torch_scheduler_without_torch_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=r"a torch scheduler needs torch: pip install 'lrtheory\[torch\]'"):
        WSD(0.2).lr_scheduler(None, 10)


def test_arguments_arrive(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lrtheory", "plan", "1e-3", "1e-2", "--trials", "1"])
    assert main() == 0
    assert "Try 0.00316." in capsys.readouterr().out
