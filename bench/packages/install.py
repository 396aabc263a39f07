"""Fetching packages into the cache: the one thing that uses the network, and only when a user asks for it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from bench.errors import StorageError, UsageError
from bench.packages.clients import CLIENTS
from bench.packages.contract import Package, digest_of, integrity_of
from bench.packages.find import kept_in, search


def install(package: Package) -> Path:
    """Fetch a package with its client, compare it with the lock and keep what is read of it; returns its root.

    One that is found already is left where it is.

    Raises:
        UsageError: it cannot be fetched, or is not what the lock says; nothing is kept then.
        StorageError: the cache cannot be written to.
    """
    if (root := search(package).root) is not None:
        return root
    target = kept_in(package)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=target.parent) as work:
            _replace(target, _fetched(package, Path(work)))
    except OSError as error:
        raise StorageError.of(target.parent, error) from error
    return target


def _fetched(package: Package, work: Path) -> Path:
    """A folder with the files of the package that are read, and no others."""
    client = CLIENTS[package.client]
    download, unpacked, chosen = (work / name for name in ("download", "unpacked", "chosen"))
    for folder in (download, unpacked, chosen):
        folder.mkdir()
    client.fetch(package, download)
    archives = list(download.iterdir())
    if len(archives) != 1:
        raise UsageError(f"{package}: {package.client} fetched {len(archives)} files, expected one archive")
    found = integrity_of(archives[0], package.integrity)
    if found != package.integrity:
        raise UsageError(f"{package}: {archives[0].name} has {found}, expected {package.integrity}; nothing was kept")
    client.unpack(archives[0], unpacked)
    for path in package.files_in(unpacked):
        kept = chosen / path.relative_to(unpacked)
        kept.parent.mkdir(parents=True, exist_ok=True)
        path.rename(kept)
    digest = digest_of(chosen, package.files_in(chosen))
    if digest != package.digest:
        raise UsageError(f"{package}: its files have SHA-256 {digest}, expected {package.digest}; nothing was kept")
    return chosen


def _replace(target: Path, chosen: Path) -> None:
    """Move a complete folder to its place; a damaged one there goes."""
    if target.exists():
        shutil.rmtree(target)
    os.rename(chosen, target)
