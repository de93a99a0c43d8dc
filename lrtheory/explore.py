"""``lrtheory explore``: open the page on which schedules are dragged and drawn, in a browser; no server is started."""

import argparse
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from lrtheory.door import door


def page() -> Path:
    """The page: ``docs/explore/index.html`` of a checkout, or the copy in a wheel."""
    package = Path(__file__).parent
    checkout = package.parent / "docs" / "explore" / "index.html"
    return checkout if checkout.is_file() else package / "explore.html"


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the page; 0 when a browser was found, 1 where there is none."""
    parser = argparse.ArgumentParser(
        prog="lrtheory explore",
        description="Drag a schedule, a wrong rate and a horizon, or draw a schedule by hand, and see its exact worst case, "
        "the grid that it needs and a forecast. The page needs no network and no server.",
        epilog="example: lrtheory explore --path",
    )
    parser.add_argument("--path", action="store_true", help="Print where the page is, and do not open it.")
    options = parser.parse_args(arguments)
    if options.path:
        print(page())
        return 0
    if not webbrowser.open(page().as_uri()):
        print(f"lrtheory explore: there is no browser here; open {page()} in one.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    door("explore", main)
