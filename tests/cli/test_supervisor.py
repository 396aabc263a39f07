"""The process that watches over a command: nothing that code of others does to it ends quietly or never."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import os, signal, sys, threading, time
from bench.cli import supervisor
from bench.guard import EndsTheProgramError, running

supervisor.LOAD_SECONDS = 0.5
supervisor.EXIT_SECONDS = 0.2


def plug_in(name, act):
    try:
        with running(name):
            act()
    except EndsTheProgramError as error:
        print(f"{name} is left out: {error}")


def work():
    {body}
    print("done")
    return 4


sys.exit(supervisor.supervised(work))
"""


def run(body: str, **options: object) -> subprocess.CompletedProcess[str]:
    script = SCRIPT.replace("{body}", body)
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False, **options
    )


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("os._exit(0)", "exit code 0"),
        ("os._exit(1)", "exit code 1"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGSTOP)", "it was stopped by SIGSTOP"),
        ("time.sleep(100)", "not done within 0.5 s"),
    ],
)
def test_a_plug_in_that_ends_the_program_is_named_and_the_rest_goes_on(act: str, reason: str) -> None:
    found = run(f"plug_in('plug-in a.py', lambda: {act}); plug_in('plug-in b.py', lambda: print('b is loaded'))")
    assert found.returncode == 4
    said = f"warning: plug-in a.py ended the program ({reason}); going on without it\nb is loaded\n"
    assert found.stderr == said, "what a plug-in prints is no part of the product"
    assert f"plug-in a.py is left out: it ended the program ({reason})\ndone\n" in found.stdout


@pytest.mark.parametrize("act", ["sys.exit(0)", "exec('raise KeyboardInterrupt')", "exec('raise GeneratorExit')"])
def test_an_exit_that_can_be_caught_costs_no_second_start(act: str) -> None:
    found = run(f"print('start'); plug_in('plug-in a.py', lambda: {act})")
    assert (found.returncode, found.stderr) == (4, "")
    assert found.stdout.count("start") == 1
    assert "plug-in a.py is left out: " in found.stdout


def test_an_end_that_nothing_announced_is_a_failure() -> None:
    found = run("os._exit(0)")
    assert found.returncode == 3
    assert found.stderr.startswith("bench: the program was ended (exit code 0)")


def test_a_copy_of_the_program_does_none_of_its_work() -> None:
    found = run("plug_in('plug-in a.py', os.fork)")
    assert (found.returncode, found.stdout) == (4, "done\n")


def test_what_a_plug_in_leaves_running_ends_with_the_command(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    found = run(
        f"""
    def leave():
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                open({str(note)!r}, "w").write(str(os.getpid()))
                os.close(1), os.close(2)
                time.sleep(100)
            os._exit(0)
        threading.Thread(target=time.sleep, args=(100,)).start()
        while not (os.path.exists({str(note)!r}) and open({str(note)!r}).read()):
            time.sleep(0.01)
    plug_in("plug-in a.py", leave)"""
    )
    assert (found.returncode, found.stdout) == (4, "done\n")
    assert not Path(f"/proc/{note.read_text()}").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_signal_to_the_supervisor_is_one_to_the_command(number: signal.Signals, code: int, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    body = f"""
    from bench.interrupt import Interrupted
    try:
        # Closed by name: what a signal raises while a file is closed by the collector is lost.
        with open({str(note)!r}, "w") as file:
            file.write(str(os.getpid()))
        time.sleep(100)
    except Interrupted as error:
        time.sleep(0.2)
        return error.exit_code"""
    command = [sys.executable, "-c", SCRIPT.replace("{body}", body)]
    supervisor = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (note.exists() and note.read_text()):
        time.sleep(0.01)
    supervisor.send_signal(number)
    _, printed = supervisor.communicate(timeout=30)
    assert (supervisor.returncode, printed) == (code, "")
    deadline = time.monotonic() + 5
    while Path(f"/proc/{note.read_text()}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{note.read_text()}").exists()
