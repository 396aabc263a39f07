"""Where a package lies on this machine: in the cache, or where its client installs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.cache_folder import cache_folder
from bench.errors import UsageError
from bench.packages.clients import CLIENTS
from bench.packages.contract import Package, digest_of


@dataclass(frozen=True)
class Search:
    """Where a package was looked for.

    Attributes:
        root: the first place with exactly the files of the lock; None where there is none.
        empty: places without any of its files.
        other: places with other files than those of the lock, and their digest.
    """

    root: Path | None
    empty: tuple[Path, ...]
    other: tuple[tuple[Path, str], ...]


def kept_in(package: Package) -> Path:
    """The folder of the cache that ``bench data install`` fills."""
    return cache_folder() / "packages" / package.client / package.folder


def search(package: Package) -> Search:
    """Look for a package in the cache, then in the places of its client; files found are compared with the lock."""
    empty: list[Path] = []
    other: list[tuple[Path, str]] = []
    for root in (kept_in(package), *CLIENTS[package.client].places(package)):
        try:
            files = package.files_in(root)
            digest = digest_of(root, files) if files else ""
        except OSError:
            files, digest = [], ""
        if not files:
            empty.append(root)
        elif digest == package.digest:
            return Search(root, tuple(empty), tuple(other))
        else:
            other.append((root, digest))
    return Search(None, tuple(empty), tuple(other))


def locate(package: Package, domain: str) -> Path:
    """The root of a package, below which its ``files`` are exactly those of the lock.

    Args:
        domain: the name of the domain that reads it, for messages.

    Raises:
        UsageError: it is not installed, or only with other content; the message says what to do.
    """
    found = search(package)
    if found.root is not None:
        return found.root
    advice = f"bench data install {domain}"
    if found.other:
        root, digest = found.other[0]
        raise UsageError(
            f"{domain}: {root}: the files of {package} have SHA-256 {digest}, expected {package.digest}; run {advice}"
        )
    places = ", ".join(map(str, found.empty))
    raise UsageError(f"{domain}: {package} is not installed (looked in {places}); run {advice}")
