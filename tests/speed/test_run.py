"""Rounds, failures and refusals; and the real thing on a tiny row."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from bench.errors import UsageError
from bench.records.folder import RunFolder
from bench.speed import busy, run
from bench.speed.processes import FreshProcesses
from bench.speed.records import SpeedFile, read_run
from bench.speed.rows import Axes, Row, batches, positive
from bench.speed.run import NO_CUDA, Measured, advance_all, measure
from bench.speed.worker import Result, Task

ROW = Row("abs_diff", "mobilenetv3_small_32", "head", 2, "cpu", "float32", "channels_last", 1)
TIMES = {"blocks": [0.5], "latencies": [0.5], "settled": True, "calls": 1}


def quiet() -> Console:
    return Console(file=io.StringIO())


def answers(task: Task, row: Row) -> Result:
    return {
        "search": {"status": "ok", "batch": 64},
        "weigh": {"status": "ok", "peak_bytes": 10},
        "time": {"status": "ok", "pairs": 2, "times": TIMES},
    }[task]


def test_rows_take_turns_and_a_failed_one_drops_out() -> None:
    done: list[tuple[Task, str, int | None]] = []

    def do(task: Task, row: Row) -> Result:
        done.append((task, row.fusion, row.batch))
        failed = row.fusion == "sum" and task == "time"
        return {"status": "oom", "error": {"type": "X", "message": "no memory"}} if failed else answers(task, row)

    rows = [Measured(replace(ROW, fusion=name)) for name in ("concat", "sum")]
    rows.append(Measured(replace(ROW, fusion="best", batch=None)))
    assert not advance_all(rows, 2, do, quiet())
    names = [("concat", 2), ("sum", 2), ("best", 64)]
    expected = [("search", "best", None), *(("weigh", *name) for name in names), *(("time", *name) for name in names)]
    assert done == [*expected, ("time", "concat", 2), ("time", "best", 64)]
    records = [row.record(is_busy=False) for row in rows]
    assert [record["status"] for record in records] == ["ok", "oom", "ok"]
    assert [len(record.get("rounds", ())) for record in records] == [2, 0, 2]
    assert records[2]["batch_choice"] == "best"


def test_ctrl_c_keeps_the_rounds_until_then() -> None:
    done: list[Task] = []

    def do(task: Task, row: Row) -> Result:
        done.append(task)
        if len(done) == 4:
            raise KeyboardInterrupt
        return answers(task, row)

    row = Measured(ROW)
    assert advance_all([row], 5, do, quiet())
    assert len(row.record(is_busy=False)["rounds"]) == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_without_a_gpu_the_row_says_so() -> None:
    row = Measured(replace(ROW, device="cuda"))
    assert not advance_all([row], 1, answers, quiet())
    assert row.record(is_busy=False)["error"]["message"] == NO_CUDA


def test_nothing_is_measured_beside_a_sweep(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run").writer(), pytest.raises(UsageError, match=r"records\.jsonl is being written to"):
        measure([ROW], 1, SpeedFile(tmp_path / "speed"), (), "bench speed", quiet())
    assert not (tmp_path / "speed").exists()


def test_a_file_that_is_only_read_is_not_being_written_to(tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").touch()
    with (tmp_path / "records.jsonl").open():
        # A sweep of another test may be running.
        assert busy.writer_at_work() != tmp_path / "records.jsonl"


def test_a_sweep_that_began_meanwhile_flags_all_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # At the start, sweeps of other tests may be running.
    looks = iter([lambda: None, busy.writer_at_work])
    monkeypatch.setattr(busy, "writer_at_work", lambda *own: next(looks)(*own))
    monkeypatch.setattr(busy, "load", lambda: 0.0)
    console = quiet()

    def advance(measured: list[Measured], *rest: object) -> bool:
        for task in ("weigh", "time"):
            measured[0].advance(task, answers)
        stack.enter_context(RunFolder(tmp_path / "run").writer())
        return False

    monkeypatch.setattr(run, "advance_all", advance)
    with ExitStack() as stack:
        (record,), _ = measure([ROW], 1, SpeedFile(tmp_path), (), "bench speed", console)
    assert record["flags"] == ["busy"]
    assert "records.jsonl is being written to" in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_own_file_is_no_writer_beside_the_measurement(tmp_path: Path) -> None:
    with SpeedFile(tmp_path) as file:
        assert busy.writer_at_work() is not None
        assert busy.writer_at_work(file.path) != file.path


def test_a_run_is_named_before_it_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(busy, "writer_at_work", lambda *own: None)
    monkeypatch.setattr(run, "new_run", lambda: order.append("run") or "name")
    monkeypatch.setattr(run, "git_state", lambda: order.append("git"))
    monkeypatch.setattr(run, "advance_all", lambda *given: bool(order.append("measured")))
    measure([ROW], 1, SpeedFile(tmp_path), (), "bench speed", quiet())
    assert order == ["run", "git", "measured"]


def test_only_one_measures(tmp_path: Path) -> None:
    with SpeedFile(tmp_path), pytest.raises(UsageError, match="another bench speed"), SpeedFile(tmp_path):
        pass


def test_a_process_that_dies_is_a_result(plugin: Callable[..., Path]) -> None:
    body = """
    import os

    @register
    class Deadly(Fusion):
        '''Ends its process.'''

        name, family, needs, symmetric, paper = "deadly", "embedding", "embedding", True, "none"

        def __init__(self, spec: FeatureSpec) -> None:
            super().__init__(out_dim=1)

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            os._exit(7)
    """
    file = plugin(body, load=False)
    result = FreshProcesses((str(file),)).do("weigh", replace(ROW, fusion="deadly"))
    assert (result["status"], result["error"]["message"]) == ("killed", "the process died (exit code 7)")


def test_a_plug_in_that_cannot_be_built_is_a_row_with_its_reason(plugin: Callable[..., Path]) -> None:
    body = """
    @register
    class Broken(Fusion):
        '''Cannot be built.'''

        name, family, needs, symmetric, paper = "broken", "test", "embedding", True, "none"

        def __init__(self, spec: FeatureSpec, size: int = 1) -> None:
            super().__init__(out_dim=spec.width)
    """
    file = plugin(body)
    axes = Axes(("broken",), (ROW.backbone,), ("head",), (2,), ("cpu",), ("float32",), ("channels_last",), (1,))
    (row,) = axes.rows()
    result = FreshProcesses((str(file),)).do("weigh", row)
    assert result["status"] == "error"
    assert "no attribute 'width'" in result["error"]["message"]
    with pytest.raises(UsageError, match="unknown parameter 'sise'"):
        replace(axes, fusion=("broken:sise=2",)).rows()


def test_a_row_is_measured_and_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Sweeps of other tests may be running.
    monkeypatch.setattr(busy, "writer_at_work", lambda *own: None)
    records, code = measure([ROW], 2, SpeedFile(tmp_path), (), "bench speed", quiet())
    (record,) = records
    assert code == 0
    assert [json.loads(line) for line in (tmp_path / "speed.jsonl").read_text().splitlines()] == [
        {"schema": 1, **record}
    ]
    assert read_run(str(tmp_path), tmp_path)[0]["run"] == record["run"]
    assert len(record["rounds"]) == 2
    assert record["n"] == sum(len(one["blocks"]) for one in record["rounds"])
    assert record["pairs_per_s"] == pytest.approx(2 / record["median_s"], rel=1e-3)
    assert all(seconds * one["calls"] > 0.005 for one in record["rounds"] for seconds in one["blocks"])
    assert record["settings"]["threads"] == 1
    assert record["peak_bytes"] > 0
    assert record["cost"]["fusion_macs"] == 128 * 128 + 128
    assert {"machine", "git", "versions", "command", "load_per_core"} <= set(record)


def test_batches() -> None:
    assert batches("1,32") == (1, 32)
    assert batches("best,64") == (1, 32, 64, None)
    assert positive("2,1,2", "--threads") == (2, 1)
    for wrong in ("0", "-1", "many", "1.5"):
        with pytest.raises(UsageError, match=f"--batch '{wrong}': expected whole numbers of 1 to 999,999 or best"):
            batches(wrong)
