"""A store that machines without a common disk share, at any URL of fsspec, and the warm-ups in it by their hash."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.errors import StorageError, in_a_line
from bench.kept import DamagedError
from bench.training.warmup import WarmupSpec

Say = Callable[[str], None]
FRESH = ".fresh"  # the folder of what is on its way to its place


class Store:
    """A folder of any file system, by its URL. Whoever reads or writes first connects to it.

    Every method raises ``StorageError`` where the file system fails, unless it says that it tells of it.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def check(self) -> None:
        """Open it, write a small file and remove that again."""
        with self._told("cannot be opened"):
            _ = self._files
        place = f"{FRESH}/check"
        self.write(place, b"fusebench")
        self.remove(place)

    def fetch(self, start: WarmupSpec, say: Say) -> None:
        """Bring a warm-up that this machine lacks into its cache, if the store has it.

        A damaged one is removed from the store. That is told in a line, as is a store that cannot be read.

        Raises:
            StorageError: the cache cannot be written to.
        """
        if start.is_cached():
            return
        place = _archive(start)
        try:
            packed = self.read(place)
        except StorageError as error:
            say(f"warning: {error}; the warm-up is computed, which may be there")
            return
        if packed is None:
            return
        try:
            start.adopt(_unzipped(packed), say)
            say(f"found in {self.url}")
        except DamagedError as damage:
            say(f"warning: store {self.url}: {place}: {damage}; the warm-up is computed again")
            with suppress(StorageError):
                self.remove(place)

    def offer(self, start: WarmupSpec, say: Say) -> None:
        """Put a warm-up of this machine's cache there, unless it is there already. A failure is told in a line."""
        place, files = _archive(start), start.files()
        try:
            with self._told(place):
                if files and not self._files.exists(self._at(place)):
                    self.write(place, _zipped(files))
        except StorageError as error:
            say(f"warning: {error}; other machines compute the warm-up again")

    def read(self, place: str) -> bytes | None:
        """The content of a file; None where there is none."""
        with self._told(place):
            try:
                content: bytes = self._files.cat_file(self._at(place))
            except FileNotFoundError:
                return None
            return content

    def write(self, place: str, content: bytes) -> None:
        """Write a file under another name and move it to its place, so that nobody reads half of it."""
        fresh = f"{FRESH}/{uuid4().hex}"
        with self._told(place):
            self._make_folders(fresh, place)
            try:
                self._files.pipe_file(self._at(fresh), content)
                self._files.mv(self._at(fresh), self._at(place))
            except BaseException:
                with suppress(Exception):
                    self._files.rm_file(self._at(fresh))
                raise

    def put(self, files: Mapping[str, Path]) -> None:
        """Copy files there by their places, many at a time where the file system can."""
        if files:
            with self._told(f"{len(files):,} files"):
                self._make_folders(*files)
                self._files.put([str(file) for file in files.values()], [self._at(place) for place in files])

    def remove(self, place: str) -> None:
        """Remove a file, if it is there."""
        with self._told(place), suppress(FileNotFoundError):
            self._files.rm_file(self._at(place))

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Each file system has errors of its own, and so has a package that is missing."""
        try:
            yield
        except StorageError:
            raise
        except Exception as error:
            raise StorageError(f"store {self.url}: {what}: {in_a_line(error)}") from None

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        files, root = url_to_fs(self.url)
        return files, root.rstrip("/")

    @property
    def _files(self) -> Any:
        return self._opened[0]

    def _at(self, place: str) -> str:
        return f"{self._opened[1]}/{place}"

    def _make_folders(self, *places: str) -> None:
        for folder in dict.fromkeys(self._at(place).rpartition("/")[0] for place in places):
            self._files.makedirs(folder, exist_ok=True)


def _archive(start: WarmupSpec) -> str:
    return f"warmups/{start.key()}.zip"


def _zipped(files: list[Path]) -> bytes:
    """As one file: two machines may have computed weights that differ in a bit, and the card fits those beside it."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in files:
            archive.writestr(file.name, file.read_bytes())
    return buffer.getvalue()


def _unzipped(packed: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(BytesIO(packed)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except Exception as error:  # in its headers, its checksums, its methods: damage may be anywhere
        raise DamagedError(in_a_line(error)) from None
