"""Checks that every domain draws the test sets that are published, or publishes what it draws now."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from bench import zoo
from bench.catalogue.frozen import freeze, out_of_date, publish, read_entries, silent_changes, test_sets

PUBLISHED = Path(__file__).parents[1] / "results" / "reference" / "test-sets.json"


def main(arguments: list[str] | None = None) -> int:
    """Print each difference; return 1 where there is one, or where writing was refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="print each difference from the published test sets")
    action.add_argument("--write", action="store_true", help="publish, unless content changed under the same version")
    parser.add_argument("--file", type=Path, default=PUBLISHED, help="where the hashes are published")
    options = parser.parse_args(arguments)
    # Faster than many threads here, and content does not depend on it.
    torch.set_num_threads(1)
    zoo.load()
    entries = {name: freeze(name, pairs) for name, pairs in test_sets().items()}
    if options.write:
        lines = publish(options.file, entries)
    else:
        published = read_entries(options.file)
        lines = silent_changes(published, entries) + out_of_date(published, entries)
    print("\n".join(lines) or f"{len(entries)} test sets: as published in {options.file.name}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
