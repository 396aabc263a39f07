"""Whatever is killed at whatever instant: nothing is lost, nothing is doubled, numbers are the same to the bit."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.faults

SWEEP = ("run", "--config", "tiny.yaml", "--fusion", "abs_diff,concat")
# Kills one or more processes, and says whether it did.
Kill = Callable[[Any, Any, random.Random], bool]
Whole = tuple[dict[str, Any], float]


def kill_command(program: Any, started: Any, chance: random.Random) -> bool:
    os.kill(started.process.pid, signal.SIGKILL)
    return True


def kill_group(program: Any, started: Any, chance: random.Random) -> bool:
    os.killpg(started.process.pid, signal.SIGKILL)
    return True


def kill_any_below(program: Any, started: Any, chance: random.Random) -> bool:
    below = [process for process in program.processes() if process != started.process.pid]
    try:
        os.kill(chance.choice(below), signal.SIGKILL)
    except (ProcessLookupError, IndexError):
        return False
    return True


class Storm:
    """A sweep that is killed and started again until all of it is done, and what it has to be then."""

    def __init__(self, program: Any, tools: Any, command: tuple[Any, ...], whole: Whole) -> None:
        self._program, self._tools, self._command = program, tools, command
        self._expected, self.seconds = whole
        self._folder = program.folder / "run"
        self._seen: Counter[bytes] = Counter()

    def start(self) -> Any:
        """The command, which goes on where it was killed; where there is nothing left to do, a new folder is begun."""
        if len(self._tools.numbers(self._folder)) == len(self._expected):
            self.finish()
        return self._program.start(*self._command, "--out", "run")

    def after_kill(self) -> None:
        """What belongs to the killed ends soon; what was on disk is remembered."""
        assert self._program.left_over() == []
        self._seen = Counter(self._tools.lines(self._folder))

    def finish(self) -> None:
        """The same command, not disturbed, completes the run; then the folder is looked at and removed."""
        if not self._folder.exists():
            return
        self._program.run(*self._command, "--out", "run").calmly(0)
        tools, counts = self._tools, self._tools.counts
        lost = self._seen - Counter(tools.lines(self._folder))
        keys = Counter(record["key"] for record in tools.records(self._folder) if record["status"] == "ok")
        doubled = [key for key, times in keys.items() if times > 1]
        counts["records lost"] += sum(lost.values())
        counts["records doubled"] += len(doubled)
        assert not lost
        assert not doubled
        assert tools.numbers(self._folder) == self._expected
        assert self._program.temporary_files() == []
        assert self._program.left_over() == []
        shutil.rmtree(self._folder)
        self._seen.clear()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, program_in: Any, tools: Any) -> Callable[..., Whole]:
    """A sweep that nobody kills: its numbers, and how many seconds it takes."""
    known: dict[tuple[Any, ...], Whole] = {}

    def run(command: tuple[Any, ...]) -> Whole:
        if command not in known:
            program = program_in(tmp_path_factory.mktemp("undisturbed"))
            ended = program.run(*command, "--out", "run").calmly(0)
            known[command] = tools.numbers(program.folder / "run"), ended.seconds
        return known[command]

    return run


@pytest.fixture
def storm(program: Any, tools: Any, undisturbed: Callable[..., Whole]) -> Callable[[str], Storm]:
    """Makes the storm over the sweep of a protocol."""

    def make(protocol: str) -> Storm:
        extent = ("--jobs", 1, "--seed", "0,1") if tools.is_small else ("--jobs", 2, "--seed", "0..5")
        command = (*SWEEP, "--protocol", protocol, *extent)
        return Storm(program, tools, command, undisturbed(command))

    return make


def at_some_instant(started: Any, chance: random.Random, seconds: float) -> None:
    """In the first half of a sweep that takes so many seconds, or while cells are computed."""
    if chance.random() < 0.5:
        # What was killed before has less to do, and a round that finds it done is lost.
        time.sleep(chance.uniform(0, seconds / 2))
    else:
        started.wait_until(lambda: "[1/" in started.said())
        time.sleep(chance.uniform(0, 1))


def test_kills_of_the_command_and_of_its_group(storm: Any, program: Any, tools: Any, chance: random.Random) -> None:
    sweep, wanted, kills = storm("scratch"), tools.share(80, 1), 0
    ways = itertools.cycle([kill_group, kill_command])
    while kills < wanted:
        started = sweep.start()
        at_some_instant(started, chance, sweep.seconds)
        if started.is_at_work:
            kills += next(ways)(program, started, chance)
            started.process.wait()
        else:
            started.ended().calmly(0)
        sweep.after_kill()
    tools.counts["kills"] += kills
    sweep.finish()


@pytest.mark.usefixtures("whole")
def test_kills_of_any_process_below_the_command(storm: Any, program: Any, tools: Any, chance: random.Random) -> None:
    sweep, wanted, kills = storm("scratch"), 60, 0
    while kills < wanted:
        started = sweep.start()
        started.wait_until(lambda started=started: "to run" in started.said())
        for _ in range(6):
            time.sleep(chance.uniform(0, 3))
            if started.is_at_work and kills < wanted:
                kills += kill_any_below(program, started, chance)
        started.ended().calmly()
        sweep.after_kill()
    tools.counts["kills"] += kills
    sweep.finish()


@pytest.mark.usefixtures("whole")
def test_kills_while_a_warm_up_is_computed(storm: Any, program: Any, tools: Any, chance: random.Random) -> None:
    sweep, cache, kills = storm("frozen"), program.folder / "cache", 0
    for number in itertools.count():
        if kills >= 30:
            break
        if number % 5 == 0:
            shutil.rmtree(cache)
        started = sweep.start()
        started.wait_until(lambda: any(cache.rglob("*.lock")))
        time.sleep(chance.uniform(0, 2))
        if started.is_at_work:
            kill = chance.choice([kill_command, kill_any_below, kill_group])
            kills += kill(program, started, chance)
        started.ended()
        sweep.after_kill()
        if number % 5 == 4:
            sweep.finish()
    tools.counts["kills"] += kills
    sweep.finish()


@pytest.mark.parametrize(
    "command", [("report", "--out"), ("check", "--write-baseline")], ids=["report", "check --write-baseline"]
)
def test_kills_of_what_writes_a_product(
    program: Any, tools: Any, chance: random.Random, command: Any, record: Any, run_folder: Any
) -> None:
    name, option = command
    tools.only_whole(name == "report")
    product, texts, kills = program.folder / "product", {}, 0
    run_folder([record()], name="few")
    run_folder([record(fusion, seed) for fusion in ("abs_diff", "concat") for seed in range(50)], name="many")
    for run in ("few", "many"):
        program.run(name, run, option, "product").calmly(0)
        texts[product.read_bytes()] = run
    assert len(texts) == 2
    while kills < tools.share(15, 1):
        started = program.start(name, chance.choice(["few", "many"]), option, "product")
        time.sleep(chance.uniform(0, 0.7))
        if started.is_at_work:
            os.kill(started.process.pid, signal.SIGKILL)
            started.process.wait()
            kills += 1
        assert program.left_over() == []
        assert product.read_bytes() in texts, "neither the old one nor the new one"
    tools.counts["kills"] += kills
    for run in ("few", "many"):
        program.run(name, run, option, "product").calmly(0)
        assert texts[product.read_bytes()] == run
    assert program.temporary_files() == []
