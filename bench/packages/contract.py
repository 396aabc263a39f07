"""Contract of a package: a pinned archive of a public registry whose files a domain reads."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Client = Literal["npm", "pip", "apt"]


@dataclass(frozen=True)
class Package:
    """One package, locked to the bytes of its archive and of the files that are read.

    Domains state theirs as ``packages``; what they state is the lock, and nothing of another content is read.

    Attributes:
        name, version: as the registry of the client has them.
        client: the program that fetches it; nothing of a package is ever run.
        licence: SPDX identifiers, or a few words where there is none.
        size: bytes of the archive.
        integrity: of the archive, as npm writes it: ``sha512-`` or ``sha256-`` and the digest in base64.
        files: globs of what is read, from the root of the package: of ``npm`` the folder with ``package.json``, of
            ``pip`` the folder that modules are imported from, of ``apt`` ``/`` (written without the slash).
        digest: SHA-256 of those files, as :func:`digest_of` computes it.
        author: whom its licence asks to name.
        home: where it is described.
    """

    name: str
    version: str
    client: Client
    licence: str
    size: int
    integrity: str
    files: tuple[str, ...]
    digest: str
    author: str
    home: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def folder(self) -> str:
        """Its name as the name of a folder."""
        return f"{self.name.replace('@', '').replace('/', '-')}-{self.version}"

    def files_in(self, root: Path) -> list[Path]:
        """What is read of it below ``root``, sorted by path."""
        return sorted({path for pattern in self.files for path in root.glob(pattern) if path.is_file()})


def digest_of(root: Path, files: Iterable[Path]) -> str:
    """SHA-256 of files below ``root``: of a line with hash and relative path for each, in order of the paths.

    It is what ``sha256sum FILES | sha256sum`` prints there.
    """
    lines = []
    for path in sorted(files):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.relative_to(root).as_posix()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def integrity_of(archive: Path, like: str) -> str:
    """Integrity of an archive under the algorithm of another integrity."""
    algorithm = like.partition("-")[0]
    with archive.open("rb") as file:
        return f"{algorithm}-{base64.b64encode(hashlib.file_digest(file, algorithm).digest()).decode()}"
