"""Full disks: one line with path and cause, nothing that was there is lost, and the same command goes on."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from typing import Any

import pytest

pytestmark = pytest.mark.faults

FULL = "No space left on device"
CELLS = 6
RUN = "$BENCH run --config tiny.yaml --seed 0..5 --jobs 1 --out run"


@pytest.fixture(scope="module", autouse=True)
def _needs_small_disks() -> None:
    tried = subprocess.run(["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=100k none /mnt"], capture_output=True)
    if tried.returncode:
        pytest.skip("this system lets nobody mount a small disk (unshare -rm)")


def fill(program: Any, place: str, size: str, command: str) -> tuple[Any, Any]:
    """Run ``command`` with ``place`` on a disk of ``size``, and again after the disk has grown.

    What ``place`` holds is there both times. The disk is gone afterwards; what it held lies in ``between`` and
    ``after``.

    Returns:
        How the two ended.
    """
    program.folder.joinpath(place).mkdir(parents=True, exist_ok=True)
    program.shell(f"""
        cp -a {place} before
        mount -t tmpfs -o size={size} none {place} && cp -a before/. {place} || exit 1
        {command} >first.out 2>first.err; echo $? >first.code
        cp -a {place} between
        mount -o remount,size=200m {place} || exit 1
        {command} >second.out 2>second.err; echo $? >second.code
        cp -a {place} after
    """).calmly(0)
    assert program.left_over() == []
    return program.told("first"), program.told("second")


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize(("size", "place"), [("32k", "run"), ("12k", "run/scores")], ids=["records", "scores"])
def test_a_sweep_stops_and_goes_on(program: Any, tools: Any, size: str, place: str) -> None:
    stopped, went_on = fill(program, place, size, RUN)
    tools.counts["full disks"] += 1
    stopped.calmly(2)
    assert FULL in stopped.err
    assert "run/" in stopped.err.splitlines()[-1]
    went_on.calmly(0)
    # The records lie on the disk that is gone, or beside it.
    between, after = (program.folder / (name if place == "run" else "run") for name in ("between", "after"))
    lost = Counter(tools.lines(between)) - Counter(tools.lines(after))
    tools.counts["records lost"] += sum(lost.values())
    assert not lost
    statuses = Counter(record["status"] for record in tools.records(after))
    assert statuses == {"ok": CELLS}, "one record for every cell, none of which is the fault of the disk"
    assert not list((program.folder / "after").rglob("*.tmp"))


@pytest.mark.usefixtures("whole")
def test_no_room_for_a_warm_up(program: Any, tools: Any) -> None:
    stopped, went_on = fill(program, "cache", "300k", f"{RUN} --protocol frozen")
    tools.counts["full disks"] += 1
    stopped.calmly(2, 3)
    assert FULL in stopped.err
    assert "cache/" in stopped.err
    went_on.calmly(0)
    assert {record["status"] for record in tools.records(program.folder / "run")[-CELLS:]} == {"ok"}
    assert not list((program.folder / "after").rglob("*.tmp"))


@pytest.fixture
def run(run_folder: Any, record: Any) -> None:
    """A run that nobody computed, in the folder of the program."""
    run_folder([record(fusion, seed) for fusion in ("abs_diff", "concat", "cosine") for seed in range(4)], name="run")


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("command", ["check run --write-baseline", "report run --out"])
def test_the_old_product_stays_as_it_was(program: Any, tools: Any, command: str) -> None:
    product = program.folder / "disk" / "product"
    product.parent.mkdir()
    product.write_text("the old one\n")
    stopped, went_on = fill(program, "disk", "4k", f"$BENCH {command} disk/product")
    tools.counts["full disks"] += 1
    stopped.calmly(2)
    assert FULL in stopped.err
    assert "disk/product" in stopped.err
    assert (program.folder / "between" / "product").read_text() == "the old one\n"
    went_on.calmly(0)
    assert len((program.folder / "after" / "product").read_text()) > len("the old one\n")


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("unbuffered", ["", "PYTHONUNBUFFERED=1"])
def test_stdout_is_complete_or_the_exit_code_says_so(program: Any, tools: Any, unbuffered: str) -> None:
    command = f"env {unbuffered} $BENCH report run --format json"
    stopped, went_on = fill(program, "disk", "4k", f"({command} >disk/part)")
    tools.counts["full disks"] += 1
    stopped.calmly(1, 2)
    assert FULL in stopped.err
    went_on.calmly(0)
    assert json.loads((program.folder / "after" / "part").read_text())


@pytest.mark.usefixtures("run")
def test_a_device_that_takes_nothing(program: Any) -> None:
    for command in ("report run", "list fusions"):
        program.shell(f"$BENCH {command} >/dev/full 2>said.err; test $? -ne 0").calmly(0)
        assert FULL in (program.folder / "said.err").read_text()
        assert "Traceback" not in (program.folder / "said.err").read_text()
