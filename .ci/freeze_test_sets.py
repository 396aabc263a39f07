"""Checks that every domain draws the test sets that are published, or publishes what it draws now.

Published hashes show that what a domain draws has changed although its version has not.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NotRequired, TypedDict

import torch
from torch import Tensor

from bench import zoo
from bench.domain import DOMAINS, Pairs, build_domain
from bench.errors import UsageError
from bench.source import source_file
from bench.spec import shifted

PUBLISHED = Path(__file__).parents[1] / "results" / "reference" / "test-sets.json"
DIFFICULTIES = ("easy", "hard")
SHIFTED = ("color", "texture")
PAIRS, SHIFT_PAIRS = 4000, 512
COMMAND = ".ci/freeze_test_sets.py --write"


class Entry(TypedDict):
    """What is published of one test set: the version of its domain, how many pairs were hashed, and their hash; also
    that where square roots are rounded otherwise (docs/decisions.md, "Three test sets have two hashes")."""

    version: int
    pairs: int
    sha256: str
    rounded_otherwise: NotRequired[str]


Entries = Mapping[str, Entry]


def test_sets() -> dict[str, int]:
    """The test sets that are published, by name with parameters, and how many pairs of each.

    Every built-in domain that needs no data of the user, its difficulties, its grey images, and every shift of the
    rendered domains. Of domains that read packages those whose packages are installed.
    """
    sets = {}
    for name in DOMAINS:
        cls = DOMAINS.get(name)
        if source_file(cls).parent != zoo.built_in_folder("datasets"):
            continue
        try:
            domain = build_domain(name)
        except UsageError:
            continue
        sets[name] = PAIRS
        parameters = inspect.signature(cls).parameters
        if "difficulty" in parameters:
            sets |= {f"{name}:difficulty={level}": PAIRS for level in DIFFICULTIES}
        if "channels" in parameters:
            sets[f"{name}:channels=1"] = PAIRS
        if name in SHIFTED:
            sets |= {shifted(name, shift): SHIFT_PAIRS for shift in domain.shifts}
    return sets


def not_installed(published: Entries, entries: Entries) -> list[str]:
    """Published test sets of domains whose packages are missing here."""
    return [name for name in published if name not in entries and name in DOMAINS and DOMAINS.get(name).packages]


def freeze(name: str, pairs: int) -> Entry:
    """The entry of the first ``pairs`` test pairs of seed 0."""
    domain = build_domain(name)
    return Entry(version=domain.version, pairs=pairs, sha256=content_hash(domain.draw("test", 0, pairs)))


def content_hash(pairs: Pairs) -> str:
    """SHA-256 of pixels, labels, strata and latents: name, type, shape and bytes of each, sorted by name.

    Latents that are not whole numbers are left out: their last bit depends on the type of the processor.
    """
    digest = hashlib.sha256()
    for name, values in sorted(_tensors(pairs), key=lambda item: item[0]):
        array = values.contiguous().numpy()
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    return digest.hexdigest()


def _tensors(pairs: Pairs) -> Iterator[tuple[str, Tensor]]:
    yield "label", pairs.label
    if pairs.strata is not None:
        yield f"strata {pairs.strata.names}", pairs.strata.index
    for side, images in (("a", pairs.a), ("b", pairs.b)):
        yield f"{side} pixels", images.pixels
        for name, values in images.latents.items():
            if not values.is_floating_point():
                yield f"{side} {name}", values


def read_entries(path: Path) -> dict[str, Entry]:
    """The published entries; none where there is no file yet."""
    return json.loads(path.read_text()) if path.exists() else {}


def agree(entry: Entry, published: Entry) -> bool:
    """Whether a test set is the published one."""
    known = {published["sha256"], published.get("rounded_otherwise")}
    same = (entry["version"], entry["pairs"]) == (published["version"], published["pairs"])
    return same and entry["sha256"] in known


def silent_changes(published: Entries, entries: Entries) -> list[str]:
    """One line for every test set that differs from what is published under the same version."""
    return [
        f"{name}: content differs but version is still {entry['version']}; raise Domain.version and run {COMMAND}"
        for name, entry in entries.items()
        if name in published and entry["version"] == published[name]["version"] and not agree(entry, published[name])
    ]


def out_of_date(published: Entries, entries: Entries, missing: Collection[str] = ()) -> list[str]:
    """One line for every test set that is new, gone, or of another version than the published one; those in ``missing``
    were not looked at."""
    lines = []
    for name in sorted({*published, *entries} - {*missing}):
        if name not in entries:
            lines.append(f"{name}: published, but there is no such test set; run {COMMAND}")
        elif name not in published:
            lines.append(f"{name}: not published yet; run {COMMAND}")
        elif entries[name]["version"] != published[name]["version"]:
            versions = f"version is {entries[name]['version']}, published is {published[name]['version']}"
            lines.append(f"{name}: {versions}; run {COMMAND}")
    return lines


def publish(path: Path, entries: Entries) -> list[str]:
    """Write the entries, unless one of them has changed silently; returns the lines that say which."""
    before = read_entries(path)
    refused = silent_changes(before, entries)
    if not refused:
        kept = [name for name in before if name in entries and agree(entries[name], before[name])]
        entries = {**entries, **{name: before[name] for name in (*kept, *not_installed(before, entries))}}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n")
    return refused


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
        missing = not_installed(published, entries)
        lines = silent_changes(published, entries) + out_of_date(published, entries, missing)
        for name in missing:
            print(
                f"{name}: not checked, its packages are not installed; run bench data install {name}", file=sys.stderr
            )
    print("\n".join(lines) or f"{len(entries)} test sets: as published in {options.file.name}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
