"""The copy of a run folder in a store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.errors import StorageError, UsageError
from bench.records.folder import RunFolder
from bench.sweep.store import Say, Store
from bench.text import count_of

SENT = ".sent.json"  # by name: size and time of the files as they were sent


class RunCopy:
    """A run folder as it lies in a store, under its name and the ``part`` of the plan, if any."""

    def __init__(self, store: Store, folder: RunFolder, part: str | None) -> None:
        self._store, self._folder = store, folder
        self._place = f"runs/{folder.path.resolve().name}" + (f"-part-{part.replace('/', '-of-')}" if part else "")

    def claim(self) -> None:
        """Put the header there, before there is anything to lose.

        Raises:
            UsageError: another run lies there.
            StorageError: the store fails.
        """
        header = f"{self._place}/{self._folder.header_file.name}"
        there = self._store.read(header)
        if there is not None and _first(_parsed(there)) != _first(self._folder.header()):
            raise UsageError(
                f"store {self._store.url}: {self._place} is another run, which would be overwritten; choose another "
                f"--out, or copy it to {self._folder.path} to go on with it"
            )
        self._store.write(header, self._folder.header_file.read_bytes())

    @contextmanager
    def kept(self, say: Say) -> Iterator[None]:
        """Claim the place, and send the folder in the end, also where no file of this machine can be written or the
        executor gave up.

        Raises:
            UsageError, StorageError: as :meth:`claim` and :meth:`send`.
        """
        self.claim()
        try:
            yield
        except UsageError as error:
            try:
                self.send(say)
            except UsageError as second:
                raise StorageError(f"{error}; {second}") from None
            raise
        self.send(say)

    def send(self, say: Say) -> None:
        """Put there what was written since the last time, records last, and remove what is no longer here.

        Raises:
            UsageError: another run was put there meanwhile.
            StorageError: the store fails; the next time all is sent that may be missing.
        """
        self.claim()
        before, here = _parsed(self._store.read(f"{self._place}/{SENT}") or b""), self._files()
        states = {name: _state(file) for name, file in here.items()}
        fresh = {name: here[name] for name, state in states.items() if before.get(name) != state}
        say(f"sending {count_of(len(fresh), 'file')} to {self._store.url}: {self._place}")
        fresh.pop(self._folder.header_file.name, None)
        records = fresh.pop(self._folder.records_file.name, None)
        self._store.put({f"{self._place}/{name}": file for name, file in fresh.items()})
        if records:
            self._store.write(f"{self._place}/{records.name}", records.read_bytes())
        for name in before.keys() - here.keys():
            self._store.remove(f"{self._place}/{name}")
        self._store.write(f"{self._place}/{SENT}", json.dumps(states).encode())

    def _files(self) -> dict[str, Path]:
        """The files of the folder by their names in it, without those that are of use only while it is written."""
        found = {path.relative_to(self._folder.path): path for path in sorted(self._folder.path.rglob("*"))}
        return {
            name.as_posix(): path
            for name, path in found.items()
            if path.is_file() and not any(part.startswith(".") for part in name.parts)
        }


def _parsed(text: bytes) -> dict[str, Any]:
    """JSON keys and values; none where it is anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _first(header: Mapping[str, Any]) -> Any:
    """The first session of a run, which stays as it is however often the run is gone on with."""
    earlier = header.get("earlier")
    first = earlier[0] if isinstance(earlier, list) and earlier else header
    return {name: value for name, value in first.items() if name != "earlier"} if isinstance(first, dict) else first


def _state(file: Path) -> list[int]:
    """What differs once a file was written again."""
    stat = file.stat()
    return [stat.st_size, stat.st_mtime_ns]
