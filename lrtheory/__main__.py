"""``lrtheory COMMAND``: the same commands as ``python -m lrtheory.COMMAND``."""

import sys
from importlib import import_module
from typing import NoReturn

from lrtheory.door import door

COMMANDS = {
    "plan": "how coarse may a grid of learning rates be, and where should it lie",
    "sweep": "what a wrong rate costs, in theory, in simulation and in networks",
    "benchmark": "eighteen strategies on five tasks, and the audit of what was published",
    "gpu": "what is to be computed on one large GPU, in pieces that go on",
    "explore": "open the page on which schedules are dragged and drawn",
    "figures": "draw the figures again",
    "runs": "what is stored: list, verify, merge, export",
}
PACKAGES = ("figures", "gpu", "runs")
"""Commands that are the ``__main__`` of a package."""


def main() -> int:
    """Pass the rest of the command line to one command; 2 where there is no such command."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in COMMANDS:
        return import_module(f"lrtheory.{name}" + (".__main__" if name in PACKAGES else "")).main(rest)
    listing = "\n".join(f"  {command:9} {purpose}" for command, purpose in COMMANDS.items())
    usage = (
        f"usage: lrtheory COMMAND ...\n       lrtheory --version\n\n{listing}\n\nexample: lrtheory sweep rho --quick"
    )
    if name == "--version":
        from lrtheory import __version__

        print(f"lrtheory {__version__}")
        return 0
    if name in ("-h", "--help"):
        print(usage)
        return 0
    print(f"lrtheory: there is no command {name!r}.\n\n{usage}", file=sys.stderr)
    return 2


def run() -> NoReturn:
    """The console command ``lrtheory``: the whole of a process."""
    door(" ".join(sys.argv[1:2]), main)


if __name__ == "__main__":
    run()
