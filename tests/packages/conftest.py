"""A package with two files in an archive, and an ``npm`` that hands it out instead of a registry's."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.packages import Package
from bench.packages.contract import integrity_of

FILES = {"icons.json": b"{}", "chars.json": b"[]"}
LINES = "".join(f"{hashlib.sha256(FILES[name]).hexdigest()}  {name}\n" for name in sorted(FILES))
DIGEST = hashlib.sha256(LINES.encode()).hexdigest()
PACKAGE = Package("@some/icons", "1.2.3", "npm", "MIT", 1_500_000, "", tuple(FILES), DIGEST, "Someone", "https://x.org")


def pack(archive: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, bytes]], Package]:
    """Makes the ``npm`` on the path hand out an archive with these files; returns the package with its integrity."""

    def publish(files: dict[str, bytes]) -> Package:
        archive = tmp_path / "some-icons-1.2.3.tgz"
        pack(archive, {f"package/{name}": content for name, content in files.items()})
        programs = tmp_path / "programs"
        programs.mkdir(exist_ok=True)
        npm = programs / "npm"
        npm.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncp {archive} .\n')
        npm.chmod(0o755)
        monkeypatch.setenv("PATH", str(programs), prepend=":")
        return replace(PACKAGE, integrity=integrity_of(archive, "sha512-"))

    return publish
