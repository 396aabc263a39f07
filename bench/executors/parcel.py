"""What travels where no disk is shared: files as bytes, by their path below a folder."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from bench.atomic import write_bytes_atomically
from bench.errors import UsageError
from bench.source import with_siblings

Parcel = dict[str, bytes]
LARGEST_SOURCES = 50_000_000


def pack(files: Iterable[Path], below: Path) -> Parcel:
    """Files by their path below a folder, in the order given."""
    return {file.relative_to(below).as_posix(): file.read_bytes() for file in files}


def pack_folder(folder: Path) -> Parcel:
    """All files of a folder as they were written, what vouches for another one behind it. Nothing is left there but the
    folders right in it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    parcel = pack(sorted(files, key=lambda file: file.stat().st_mtime_ns), folder)
    for path in folder.glob("*"):
        for inner in path.glob("*") if path.is_dir() else [path]:
            shutil.rmtree(inner, ignore_errors=True) if inner.is_dir() else inner.unlink(missing_ok=True)
    return parcel


def unpack(parcel: Parcel, folder: Path, ends: Collection[str] = ()) -> None:
    """Write the files of a parcel in its order, each in one step.

    Args:
        ends: what names of folders two levels down end with, those of a cell in the folder of an observer, that replace
            what an earlier attempt left there.

    Raises:
        StorageError: one cannot be written.
    """
    inner = dict.fromkeys("/".join(name.split("/")[:2]) for name in parcel if name.count("/") > 1)
    for name in inner:
        if name.endswith(tuple(ends)):
            shutil.rmtree(folder / name, ignore_errors=True)
    for name, content in parcel.items():
        write_bytes_atomically(folder / name, content)


def pack_sources(include: Iterable[str]) -> tuple[Parcel, tuple[str, ...]]:
    """The plug-ins of the user and where each lies in the parcel: a file with the siblings that it imports, or a folder
    with all that is in it.

    Raises:
        UsageError: they are more than ``LARGEST_SOURCES`` bytes.
    """
    parcel: Parcel = {}
    places = []
    for number, given in enumerate(include):
        path = Path(given).expanduser().resolve()
        below = path if path.is_dir() else path.parent
        files = _of_folder(path) if path.is_dir() else sorted(with_siblings(path))
        if sum(file.stat().st_size for file in files) > LARGEST_SOURCES:
            raise UsageError(f"--include {given}: more than {LARGEST_SOURCES // 10**6} MB, and every worker gets it")
        parcel |= {f"{number}/{name}": content for name, content in pack(files, below).items()}
        places.append(str(number) if path.is_dir() else f"{number}/{path.name}")
    return parcel, tuple(places)


def _of_folder(folder: Path) -> list[Path]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    hidden = (".", "__pycache__")
    return [path for path in found if not any(part.startswith(hidden) for part in path.relative_to(folder).parts)]
