"""A sweep on a Ray cluster of its own: Ctrl-C, killed processes, two commands in one folder, a full object store."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("whole")]

CELLS = 8
SWEEP = ("run", "--config", "tiny.yaml", "--fusion", "abs_diff,concat", "--seed", "0..3", "--out", "run")
RUN = (*SWEEP, "--executor", "ray:address=local", "--jobs", 2)
# Ray ends what it started some seconds after the command.
ENDING_SECONDS = 30


@pytest.fixture
def cluster(program: Any) -> Iterator[Any]:
    """The program, with a folder for Ray whose name is short enough for its sockets."""
    with tempfile.TemporaryDirectory(prefix="r-", ignore_cleanup_errors=True) as folder:
        program.environment["RAY_TMPDIR"] = folder
        yield program


def end(program: Any, tools: Any, stop: Callable[[Any], None]) -> list[bytes]:
    """Stop the command in mid-run; returns the records that it has left then."""
    folder = program.folder / "run"
    started = program.start(*RUN)
    started.wait_until(lambda: len(tools.lines(folder)) >= 2, limit=300)
    assert started.is_at_work, started.said()
    stop(started)
    assert program.left_over(ENDING_SECONDS) == []
    found: list[bytes] = tools.lines(folder)
    assert 2 <= len(found) < CELLS
    return found


def complete(program: Any, tools: Any, seen: list[bytes], command: tuple[object, ...] = RUN) -> None:
    """The same command goes on: nothing is lost, nothing doubled."""
    program.run(*command).calmly(0)
    folder = program.folder / "run"
    lost = Counter(seen) - Counter(tools.lines(folder))
    keys = Counter(record["key"] for record in tools.records(folder))
    tools.counts["records lost under Ray"] += sum(lost.values())
    tools.counts["records doubled under Ray"] += sum(times - 1 for times in keys.values())
    tools.counts["records under Ray"] += len(keys)
    assert not lost
    assert list(keys.values()) == [1] * CELLS
    assert program.left_over(ENDING_SECONDS) == []


def test_ctrl_c_keeps_what_is_done_and_leaves_no_process(cluster: Any, tools: Any) -> None:
    def interrupt(started: Any) -> None:
        started.process.send_signal(signal.SIGINT)
        ended = started.ended(60).calmly(130)
        assert "everything finished is saved" in ended.err
        # The workers took their folders with them.
        assert list(cluster.folder.glob("tmp/bench-*")) == []

    complete(cluster, tools, end(cluster, tools, interrupt))


def test_a_killed_command_leaves_no_process_and_goes_on(cluster: Any, tools: Any) -> None:
    def kill(started: Any) -> None:
        os.killpg(started.process.pid, signal.SIGKILL)
        started.process.wait()

    complete(cluster, tools, end(cluster, tools, kill))


def kill_those(program: Any, name: bytes) -> int:
    """Kill the processes of Ray in whose command line a name stands; returns how many they were."""
    found = 0
    for process in program.processes():
        with suppress(OSError):
            if name in Path(f"/proc/{process}/cmdline").read_bytes():
                os.kill(process, signal.SIGKILL)
                found += 1
    return found


def test_cells_of_a_killed_worker_are_done_by_another(cluster: Any, tools: Any) -> None:
    started = cluster.start(*RUN)
    started.wait_until(lambda: len(tools.lines(cluster.folder / "run")) >= 2, limit=300)
    assert kill_those(cluster, b"ray::Post") > 0
    started.ended().calmly(0)
    complete(cluster, tools, tools.lines(cluster.folder / "run"))


def test_without_its_head_a_command_ends_and_goes_on_with_another(cluster: Any, tools: Any) -> None:
    folder = cluster.folder / "run"
    cluster.environment["RAY_gcs_rpc_server_reconnect_timeout_s"] = "5"  # a minute, where nothing is said
    command = (*RUN, "--recipe", "train_pairs=4000,batch_size=16,val_pairs=32")
    started = cluster.start(*command)
    started.wait_until(lambda: len(tools.lines(folder)) >= 2, limit=300)
    assert kill_those(cluster, b"gcs_server") > 0
    started.ended(120).calmly(3)
    assert cluster.left_over(ENDING_SECONDS) == []
    seen = tools.lines(folder)
    assert len(seen) < CELLS
    complete(cluster, tools, seen, command)


def test_two_commands_in_one_folder_double_nothing(cluster: Any, tools: Any) -> None:
    both = [cluster.start(*RUN) for _ in range(2)]
    codes = sorted(one.ended().calmly(0, 2).code for one in both)
    assert codes[0] == 0
    complete(cluster, tools, tools.lines(cluster.folder / "run"))


def test_ray_and_this_machine_give_the_same_numbers(cluster: Any, tools: Any) -> None:
    cluster.run(*RUN).calmly(0)
    cluster.run(*SWEEP, "--jobs", 2, "--out", "here").calmly(0)
    there, here = (tools.numbers(cluster.folder / name) for name in ("run", "here"))
    assert len(here) == CELLS
    assert there == here


FILL = """
import sys, time
import numpy, ray

ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
kept = [ray.put(numpy.zeros(4_000_000, dtype=numpy.uint8)) for _ in range(40)]
print("full", flush=True)
time.sleep(600)
"""
STORE_BYTES = 80_000_000


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        found: int = one.getsockname()[1]
        return found


@contextmanager
def full_cluster(program: Any, spills: bool) -> Iterator[str]:
    """A cluster of one machine whose object store holds twice its size of somebody else's; what goes there."""
    port = free_port()
    settings = json.dumps({"automatic_object_spilling_enabled": spills})
    ray = [Path(sys.executable).with_name("ray"), "start", "--head", "--block", f"--port={port}", "--num-cpus=2"]
    more = ["--include-dashboard=false", f"--object-store-memory={STORE_BYTES}", f"--system-config={settings}"]
    with (program.folder / "said" / "ray").open("w") as said:
        head = subprocess.Popen([*ray, *more], env=program.environment, stdout=said, stderr=said)
        for _ in range(60):
            fill = [sys.executable, "-c", FILL, f"127.0.0.1:{port}"]
            filler = subprocess.Popen(fill, env=program.environment, stdout=subprocess.PIPE, stderr=said, text=True)
            if filler.stdout.readline() == "full\n":
                break
            time.sleep(1)
        else:
            pytest.fail("nobody filled the store")
        try:
            yield f"ray:address=127.0.0.1:port={port}"
        finally:
            program.kill_all()
            for process in (filler, head):
                process.wait()


@pytest.mark.parametrize("spills", [True, False])
def test_a_full_object_store_costs_no_cell(cluster: Any, tools: Any, spills: bool) -> None:
    with full_cluster(cluster, spills) as executor:
        started = cluster.start(*SWEEP, "--executor", executor, "--jobs", 2)
        started.ended().calmly(0)
    assert len(tools.lines(cluster.folder / "run")) == CELLS
    complete(cluster, tools, tools.lines(cluster.folder / "run"))
