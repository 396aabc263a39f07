"""The real command in processes of its own, and what must hold however they end."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
import yaml

import tests.sweep.conftest as sweep

ROOT = Path(__file__).parents[2]
MARK = "FUSEBENCH_FAULTS_MARK"
CODES = (0, 1, 2, 3, 130)
COUNTS: Counter[str] = Counter()
# Its warm-up lasts long enough to be killed; commands say how many jobs.
TINY: dict[str, Any] = {**sweep.TINY, "warmup_recipe": {"images": 2000, "batch_size": 32}}
del TINY["jobs"]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def said(self) -> str:
        return self.out + self.err

    def calmly(self, *codes: int) -> Ended:
        """Itself, if it ended with one of ``codes`` and without a traceback; bad input with one line."""
        assert self.code in (codes or CODES), f"exit code {self.code}\n{self.said[-3000:]}"
        assert "Traceback" not in self.said, self.said[-3000:]
        if self.code == 2:
            assert sum(line.startswith("bench: ") for line in self.err.splitlines()) == 1, self.said[-3000:]
        return self


class Started:
    """A command at work, in a process group of its own."""

    def __init__(self, program: Program, words: list[str]) -> None:
        self._program, self._since = program, time.monotonic()
        name = uuid4().hex
        self._out, self._err = (program.folder / "said" / f"{name}.{kind}" for kind in ("out", "err"))
        # Files, not pipes: whoever inherits a pipe keeps it open.
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=program.folder,
                env=program.environment,
                start_new_session=True,
            )

    def ended(self, limit: float = 600) -> Ended:
        """Wait for the end; a command that is still at work after ``limit`` seconds fails the test."""
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self._program.kill_all()
            pytest.fail(f"still at work after {limit} s\n{self.said()[-2000:]}")
        texts = [file.read_text(errors="backslashreplace") for file in (self._out, self._err)]
        return Ended(code, *texts, time.monotonic() - self._since)

    def said(self) -> str:
        return self._out.read_text(errors="backslashreplace") + self._err.read_text(errors="backslashreplace")

    @property
    def is_at_work(self) -> bool:
        return self.process.poll() is None

    def wait_until(self, condition: Callable[[], bool], limit: float = 60) -> None:
        """Wait for a condition or for the end of the command."""
        until = time.monotonic() + limit
        while self.is_at_work and not condition() and time.monotonic() < until:
            time.sleep(0.01)


class Program:
    """``bench``, called in a folder of its own: home, cache and temporary files lie there, too.

    Its processes are known by a mark in their environment, wherever they hide.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._mark = folder, uuid4().hex
        for name in ("home", "tmp", "said", "cache"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY))
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))},
            "PYTHONPATH": str(ROOT),
            "FUSEBENCH_CACHE": str(folder / "cache"),
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "COLUMNS": "200",
            MARK: self._mark,
        }

    def start(self, *arguments: object) -> Started:
        return Started(self, [sys.executable, "-m", "bench", *map(str, arguments)])

    def run(self, *arguments: object, limit: float = 600) -> Ended:
        return self.start(*arguments).ended(limit)

    def shell(self, script: str, limit: float = 600) -> Ended:
        """A script in which ``$BENCH`` is the command."""
        setting = f'BENCH="{sys.executable} -m bench"\n'
        return Started(self, ["unshare", "-rm", "sh", "-c", setting + script]).ended(limit)

    def told(self, name: str) -> Ended:
        """How a command of a script ended that wrote ``name.code``, ``name.out`` and ``name.err``."""
        code, out, err = (self.folder.joinpath(f"{name}.{kind}").read_text() for kind in ("code", "out", "err"))
        return Ended(int(code), out, err, 0.0)

    def processes(self) -> list[int]:
        """Those that carry the mark and have not ended."""
        mark, found = f"{MARK}={self._mark}".encode(), []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                is_dead = folder.joinpath("stat").read_bytes().rpartition(b")")[2].split()[0] in (b"Z", b"X")
                if mark in folder.joinpath("environ").read_bytes() and not is_dead:
                    found.append(int(folder.name))
        return found

    def left_over(self, within: float = 10) -> list[int]:
        """Processes still there some seconds after the command has ended; they are killed and counted."""
        until = time.monotonic() + within
        while (found := self.processes()) and time.monotonic() < until:
            time.sleep(0.05)
        COUNTS["processes left over"] += len(found)
        self.kill_all()
        return found

    def kill_all(self) -> None:
        while found := self.processes():
            for process in found:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.05)

    def temporary_files(self) -> list[Path]:
        """What a writer leaves half-way, in the folder and the cache; counted."""
        skipped = {self.folder / "tmp", self.folder / "home", self.folder / "said"}
        found = [
            file
            for file in self.folder.rglob("*")
            if file.suffix in (".tmp", ".new", ".part") and not skipped & set(file.parents)
        ]
        COUNTS["temporary files left over"] += len(found)
        return found


@pytest.fixture(scope="session")
def program_in() -> Iterator[Callable[[Path], Program]]:
    """Makes a program in a folder; whatever it leaves is killed in the end."""
    made: list[Program] = []

    def make(folder: Path) -> Program:
        made.append(Program(folder))
        return made[-1]

    yield make
    for program in made:
        program.kill_all()


@pytest.fixture
def program(tmp_path: Path, program_in: Callable[[Path], Program]) -> Program:
    return program_in(tmp_path)


def lines_of(folder: Path) -> list[bytes]:
    """The complete lines of the records of a run."""
    file = folder / "records.jsonl"
    if not file.exists():
        return []
    return [line for line in file.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def records_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines_of(folder)]


def numbers_of(folder: Path) -> dict[str, Any]:
    """All that was measured, by fusion and seed of the cells that are ok: what has to be the same to the bit."""
    found = {}
    for record in records_of(folder):
        if record["status"] == "ok":
            with np.load(folder / "scores" / f"{record['key']}.npz") as scores:
                arrays = {name: (str(scores[name].dtype), scores[name].tobytes()) for name in sorted(scores)}
            found[record["fusion"], record["seed"]] = (record["eval"], record["curve"], record["diagnostics"], arrays)
    return found


@dataclass(frozen=True)
class Tools:
    """What tests of faults share."""

    lines: Callable[[Path], list[bytes]] = lines_of
    records: Callable[[Path], list[dict[str, Any]]] = records_of
    numbers: Callable[[Path], dict[str, Any]] = numbers_of
    counts: Counter[str] = None  # type: ignore[assignment]
    is_small: bool = os.environ.get("FAULTS") == "small"

    def share(self, whole: int, small: int) -> int:
        """How often: ``whole`` by ``make faults``, ``small`` by ``make faults-slice``."""
        return small if self.is_small else whole

    def only_whole(self, case: bool = True) -> None:
        """Skip a test, or a case of it, that the slice has no time for."""
        if self.is_small and case:
            pytest.skip("not in the slice")

    def some(self, cases: list[Any]) -> list[Any]:
        """All of them, or a few in the slice."""
        return cases[:: len(cases) // 10 + 1] if self.is_small else cases


@pytest.fixture(scope="session")
def tools() -> Tools:
    return Tools(counts=COUNTS)


@pytest.fixture
def whole(tools: Tools) -> None:
    """For tests that the slice has no time for."""
    tools.only_whole()


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """The same instants whenever the same test runs."""
    return random.Random(request.node.name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first, so that of two processes none waits for the other in the end."""
    longest = ("test_kills.py", "test_hostile_plugins.py")
    items.sort(key=lambda item: longest.index(item.path.name) if item.path.name in longest else len(longest))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if COUNTS:
        terminalreporter.section("faults")
        for name, number in COUNTS.items():
            terminalreporter.write_line(f"{number:>6,} {name}")
