"""A package is found where it lies with exactly the files of its lock, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.packages import locate
from bench.packages.contract import digest_of
from bench.packages.find import kept_in, search

from .conftest import DIGEST, FILES, PACKAGE


def put(root: Path, files: dict[str, bytes] = FILES) -> Path:
    root.mkdir(parents=True)
    for name, content in files.items():
        (root / name).write_bytes(content)
    return root


def test_the_digest_is_that_of_a_list_of_hashes(tmp_path: Path) -> None:
    root = put(tmp_path / "a")
    assert digest_of(root, root.iterdir()) == DIGEST
    moved = put(tmp_path / "b", {"chars.json": FILES["icons.json"], "icons.json": FILES["chars.json"]})
    assert digest_of(moved, moved.iterdir()) != DIGEST


def test_the_cache_and_node_modules_are_looked_through(cache: Path, tmp_path: Path) -> None:
    assert search(PACKAGE).root is None
    installed = put(tmp_path / "node_modules" / "@some" / "icons")
    assert locate(PACKAGE, "emoji") == installed
    kept = put(kept_in(PACKAGE))
    assert kept.is_relative_to(cache)
    assert locate(PACKAGE, "emoji") == kept


def test_files_that_are_not_read_do_not_count(cache: Path) -> None:
    put(kept_in(PACKAGE), {**FILES, "index.js": b"throw 1"})
    assert locate(PACKAGE, "emoji") == kept_in(PACKAGE)


def test_a_missing_package_is_one_line_that_says_how(cache: Path) -> None:
    with pytest.raises(UsageError) as caught:
        locate(PACKAGE, "emoji")
    said = str(caught.value)
    assert said.startswith("emoji: @some/icons 1.2.3 is not installed")
    assert str(kept_in(PACKAGE)) in said
    assert said.endswith("run bench data install emoji")


def test_other_content_is_not_read_and_named_with_both_hashes(cache: Path, tmp_path: Path) -> None:
    changed = put(kept_in(PACKAGE), {**FILES, "chars.json": b"[1]"})
    with pytest.raises(UsageError) as caught:
        locate(PACKAGE, "emoji")
    assert all(text in str(caught.value) for text in (str(changed), DIGEST, digest_of(changed, changed.iterdir())))
    # A good copy elsewhere is taken all the same.
    installed = put(tmp_path / "node_modules" / "@some" / "icons")
    assert locate(PACKAGE, "emoji") == installed
