"""``lrtheory COMMAND``; ``python -m lrtheory.COMMAND`` is the same."""

import sys
from importlib import import_module
from typing import NoReturn

from lrtheory.door import door

COMMANDS = {
    "plan": "Say which learning rates to try, and how to go on with a run.",
    "sweep": "Compute what a wrong rate costs, in theory, in simulation and on networks.",
    "benchmark": "Run eighteen strategies on five tasks, and audit what was published.",
    "gpu": "Compute what needs one large GPU, in pieces that go on after an interruption.",
    "explore": "Open the page on which schedules are dragged and drawn.",
    "figures": "Draw the figures from their tables.",
    "runs": "List, check, merge and export what is stored.",
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
