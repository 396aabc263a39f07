"""What there was when: a committed file of records at each commit that changed it, runs by when they were started."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.errors import UsageError
from bench.records.lines import Line
from bench.records.load import Run, damage, load_runs
from bench.records.record import Record, checker, parse

SECONDS = 60
# What is not committed is newer than all that is.
NOW, LAST = "now", "9999"


@dataclass(frozen=True)
class Versions:
    """All versions, the oldest first.

    Attributes:
        runs: with ``created`` in their headers. Of a file that git knows, a version is a folder below it that has the
            name of the commit, with ``subject`` in its header.
        left_out: sentences on versions and lines that could not be read.
    """

    runs: Sequence[Run]
    left_out: Sequence[str]


def read_versions(paths: Sequence[Path], last: int) -> Versions:
    """Read run folders and files that ``bench check --write-baseline`` wrote, of these all that git knows.

    Args:
        last: how many of them to keep, the newest ones.

    Raises:
        UsageError: a path is neither, or nothing in it can be read.
    """
    runs: list[Run] = []
    left_out: list[str] = []
    for path in paths:
        if path.is_dir():
            found = load_runs([path])
            left_out += damage(found)
            runs += found
        elif path.suffix == ".jsonl" and path.exists():
            for name, read in _revisions(path):
                try:
                    runs.append(read())
                except UsageError as error:
                    left_out.append(f"{path} at {name}: {error}")
        else:
            raise UsageError(f"{path}: expected a run folder or a .jsonl file that bench check --write-baseline wrote")
    if not runs:
        raise UsageError("; ".join(left_out))
    once = {run.folder.resolve(): run for run in runs}
    in_time = sorted(once.values(), key=lambda run: str(run.header.get("created", "")))
    return Versions(in_time[-last:], left_out)


def _revisions(file: Path) -> Iterator[tuple[str, Callable[[], Run]]]:
    """The name of each version of a file, and what reads it; where git knows none, the file alone."""
    told = ("--no-show-signature", "--date=iso-strict-local", "--format=%h%x1f%cd%x1f%s")
    log = _git(file, "log", *told, "--", file.name)
    commits = [line.split("\x1f") for line in (log or b"").decode(errors="replace").splitlines()]
    # Several may be of one second: their order is that of the log, which begins with the newest.
    for name, created, subject in reversed(commits):
        header = {"created": created, "subject": subject}
        yield name, partial(_committed, file, name, header)
    content = file.read_bytes()
    if not commits or content != _git(file, "show", f"HEAD:./{file.name}"):
        name, subject = (NOW, "not committed yet") if commits else (file.stem, "")
        folder = file / name if commits else file
        yield name, partial(_run, folder, {"created": LAST, "subject": subject}, content)


def _committed(file: Path, name: str, header: Mapping[str, str]) -> Run:
    return _run(file / name, header, _git(file, "show", f"{name}:./{file.name}"))


def _run(folder: Path, header: Mapping[str, str], content: bytes | None) -> Run:
    """The records of one version. The first line may say how many there are; older files lack it."""
    check, cells = checker(Record), []
    for number, text in enumerate((content or b"").splitlines(), start=1):
        line = Line(text, f"line {number}")
        if text.strip() and (number > 1 or "key" in parse(*line)):
            cells.append(check(*line))
    if not cells:
        raise UsageError("no records in it")
    return Run(folder, header, tuple(cells))


def _git(file: Path, *command: str) -> bytes | None:
    """What git says in the folder of a file, with times in UTC, as records have them; None where it fails, as outside a
    repository."""
    line, env = ["git", "-C", str(file.parent), *command], {**os.environ, "TZ": "UTC"}
    try:
        done = subprocess.run(line, capture_output=True, timeout=SECONDS, check=False, env=env)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
