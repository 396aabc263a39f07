"""Packages are fetched by their client, compared with the lock, and kept whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.packages import Package, locate
from bench.packages.find import kept_in
from bench.packages.install import install

from .conftest import FILES, PACKAGE

Publish = Callable[[dict[str, bytes]], Package]


def kept(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


def test_what_is_read_is_kept_and_nothing_else(cache: Path, registry: Publish, tmp_path: Path) -> None:
    package = registry({**FILES, "index.js": b"throw 1", "docs/icons.json": b"no"})
    root = install(package)
    assert root == kept_in(package) == locate(package, "emoji")
    assert kept(cache) == sorted(FILES)
    assert "--ignore-scripts" in (tmp_path / "calls").read_text()


def test_what_is_there_is_not_fetched_again(cache: Path, registry: Publish, tmp_path: Path) -> None:
    package = registry(FILES)
    assert install(package) == install(package)
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


def test_a_damaged_copy_is_replaced(cache: Path, registry: Publish) -> None:
    package = registry(FILES)
    (install(package) / "chars.json").write_bytes(b"[1]")
    install(package)
    assert (kept_in(package) / "chars.json").read_bytes() == FILES["chars.json"]


@pytest.mark.parametrize("lie", ["integrity", "digest"])
def test_other_bytes_than_those_of_the_lock_are_named_and_not_kept(cache: Path, registry: Publish, lie: str) -> None:
    package = registry(FILES)
    true = getattr(package, lie)
    false = {"integrity": "sha512-AAAA", "digest": "00"}[lie]
    with pytest.raises(UsageError, match="nothing was kept") as caught:
        install(replace(package, **{lie: false}))
    assert true in str(caught.value)
    assert false in str(caught.value)
    assert kept(cache) == []


def test_a_file_that_leads_out_of_its_folder_is_not_unpacked(cache: Path, registry: Publish, tmp_path: Path) -> None:
    package = registry({**FILES, "../../../outside.json": b"out"})
    with pytest.raises(Exception, match="outside"):
        install(package)
    assert not list(tmp_path.rglob("outside.json"))
    assert kept(cache) == []


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("exit 1", "no such version"),
        (
            "echo 'npm error code ECONNREFUSED' >&2; echo 'a log of it lies in /x' >&2; exit 1",
            "npm error code ECONNREF",
        ),
        ("", "fetched 0 files"),
    ],
)
def test_a_client_that_fails_is_one_line(
    cache: Path, registry: Publish, tmp_path: Path, program: str, said: str
) -> None:
    package = registry(FILES)
    (tmp_path / "programs" / "npm").write_text(f"#!/bin/sh\necho 'no such version' >&2\n{program}\n")
    with pytest.raises(UsageError, match=said):
        install(package)


def test_a_client_that_is_not_installed_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="npm is not installed"):
        install(PACKAGE)
