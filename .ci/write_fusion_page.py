"""Writes docs/fusions.md from the classes of the fusions, or checks that it is current."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import zoo
from bench.catalogue.fusion_page import fusion_page

PAGE = Path(__file__).parents[1] / "docs" / "fusions.md"


def main() -> int:
    """Return 1 where the page is out of date and ``--check`` is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is out of date")
    options = parser.parse_args()
    zoo.load()
    page = fusion_page()
    if not options.check:
        PAGE.write_text(page)
        return 0
    if PAGE.exists() and PAGE.read_text() == page:
        return 0
    print(f"{PAGE.name} is out of date: run `make docs`")
    return 1


if __name__ == "__main__":
    sys.exit(main())
