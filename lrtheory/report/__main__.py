"""``python -m lrtheory.report``: write the facts into the README and the paper of this checkout, or check that they are there."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lrtheory.door import door


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what is stale; with ``--check`` only name it, and return 1 where there is any."""
    parser = argparse.ArgumentParser(
        prog="python -m lrtheory.report",
        description="Write the facts into the README and the paper of this checkout, or check that they are there.",
    )
    parser.add_argument("--check", action="store_true", help="Write nothing; fail where a file is stale.")
    options = parser.parse_args(arguments)
    root = Path(__file__).parents[2]
    if not (root / "paper" / "lrtheory.tex").is_file():
        print("lrtheory report: there is no paper beside the package; it needs a checkout.", file=sys.stderr)
        return 2
    from lrtheory.report.write import stale, write

    for path in (files := (stale if options.check else write)(root)):
        print(f"{'stale' if options.check else 'written'}: {path.relative_to(root)}")
    return int(options.check and bool(files))


if __name__ == "__main__":
    door("report", main)
