"""Device, memory format and precision of a sweep."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench import memory
from bench.errors import UsageError
from bench.executors.local import LocalExecutor
from bench.records.folder import RunFolder
from bench.sweep import execution as module
from bench.sweep.config import SweepConfig
from bench.sweep.execution import Execution, default_jobs, find_device
from bench.sweep.plan import make_plan
from bench.sweep.run_cell import run_cell


def scores(path: Path) -> np.ndarray:
    with np.load(path) as file:
        return file["color"]


def test_a_memory_format_changes_rounding_only(tiny: Callable[..., SweepConfig], tmp_path: Path) -> None:
    cell = make_plan(tiny(), {}).cells[0].cell
    executions = Execution(), Execution(memory_formats={str(cell.backbone): "contiguous"})
    for number, execution in enumerate(executions):
        record = run_cell(cell, tmp_path / f"{number}.npz", execution=execution)
        assert record["execution"] == {
            "device": "cpu",
            "memory_format": execution.memory_format(str(cell.backbone)),
            "seeds_together": 1,
        }
    usual, other = (scores(tmp_path / f"{number}.npz") for number in (0, 1))
    np.testing.assert_allclose(usual, other, atol=1e-3)
    assert not np.array_equal(usual, other)


def test_a_lower_precision_is_another_cell(sweep: Any, tmp_path: Path) -> None:
    _, (usual,), _ = sweep()
    _, records, _ = sweep(recipe={"train_pairs": 64, "batch_size": 16, "val_pairs": 32, "precision": "bfloat16"})
    assert [record["recipe"]["precision"] for record in records] == ["float32", "bfloat16"]
    assert records[1]["status"] == "ok"
    assert usual["key"] != records[1]["key"]
    assert usual["recipe_id"] != records[1]["recipe_id"]
    full, half = (scores(tmp_path / "run" / "scores" / f"{record['key']}.npz") for record in records)
    assert 0 < np.abs(full - half).max() < 0.2


@pytest.mark.parametrize(("protocol", "fusion"), [("frozen", "abs_diff,cross_attention"), ("finetune", "fmap_diff")])
def test_a_lower_precision_under_every_protocol(sweep: Any, protocol: str, fusion: str) -> None:
    recipe = {"train_pairs": 16, "batch_size": 8, "val_pairs": 16, "precision": "bfloat16"}
    code, records, _ = sweep(fusion=fusion, protocol=protocol, recipe=recipe)
    assert code == 0
    assert {record["status"] for record in records} == {"ok"}


def test_the_run_says_what_it_computed_on(sweep: Any, tmp_path: Path) -> None:
    sweep()
    header = RunFolder(tmp_path / "run").header()
    assert (header["device"], header["precision"], header["memory_formats"]) == ("cpu", "float32", {})
    assert json.dumps(header)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there() -> None:
    assert find_device("auto") == find_device("cpu") == "cpu"
    with pytest.raises(UsageError, match="--device cuda: torch finds no GPU here"):
        find_device("cuda")


def test_a_worker_without_a_gpu_names_its_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr("platform.node", lambda: "node7")
    with pytest.raises(UsageError, match=r"^torch finds no GPU on node7$"):
        module.take_gpu(0)


def test_workers_are_counted_by_the_cores_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= default_jobs("cpu", 1) <= len(os.sched_getaffinity(0))
    assert default_jobs("cpu", threads=10_000) == 1
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert default_jobs("cpu", 1) == 1


def test_workers_fit_into_the_memory_of_the_gpus_and_each_gpu_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    free = {0: 3 * module.WORKER_GPU_BYTES, 1: module.WORKER_GPU_BYTES // 2}
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda gpu: (free[gpu], 10**12))
    monkeypatch.setattr(module, "memory_bytes", lambda: 10**12)
    monkeypatch.setattr("joblib.cpu_count", lambda: 1)
    assert default_jobs("cuda", 1) == 2
    monkeypatch.setattr("joblib.cpu_count", lambda: 64)
    assert default_jobs("cuda", 1) == 3
    free[1] = 2 * module.WORKER_GPU_BYTES
    assert default_jobs("cuda", 1) == 5
    assert default_jobs("cuda", threads=16) == 4
    assert module.room_on_gpus("cuda") == [3, 2]
    assert module.room_on_gpus("cpu") == []
    # What is asked for is meant for each of them.
    assert [LocalExecutor.count_jobs(3, device, 1) for device in ("cuda", "cpu")] == [6, 3]


def test_a_gpu_that_cannot_even_be_asked_has_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(gpu: int) -> tuple[int, int]:
        if gpu == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 3 * module.WORKER_GPU_BYTES, 10**12

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "mem_get_info", ask)
    assert module.room_on_gpus("cuda") == [3, 0, 3]


@pytest.mark.parametrize(
    ("room", "taken"),
    [([4, 4, 4], [0, 1, 2, 0, 1, 2]), ([0, 3], [1, 1, 1, 0, 1, 0, 1]), ([1, 3], [0, 1, 1, 1, 0, 1]), ([0], [0, 0])],
    ids=["even", "one_in_use", "half_in_use", "none_free"],
)
def test_workers_take_the_gpus_that_have_room(room: list[int], taken: list[int]) -> None:
    workers = Counter[int]()
    for expected in taken:
        gpu = module.next_gpu(room, workers)
        assert gpu == expected
        workers[gpu] += 1


@pytest.mark.parametrize(
    ("groups", "limit"),
    [("0::/slurm/job_7/step_0\n", "slurm/job_7/memory.max"),
     ("9:cpu:/\n4:memory:/slurm/uid_1/job_7\n0::/\n", "memory/slurm/uid_1/job_7/memory.limit_in_bytes")],
)  # fmt: skip
def test_the_limit_of_a_job_of_a_batch_system_is_that_of_a_group_around_this_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, groups: str, limit: str
) -> None:
    monkeypatch.setattr(memory, "CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "own")
    (tmp_path / "own").write_text(groups)
    file = tmp_path / limit
    file.parent.mkdir(parents=True)
    file.write_text(f"{2**30}\n")
    assert memory.memory_bytes() == 2**30
    (file.parent / "memory.stat").write_text(f"anon {2**29}\ncache 1\n")
    assert memory.available_bytes() == 2**29


def test_workers_fit_into_the_memory_of_the_container(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "CONTROL_GROUPS", tmp_path)
    machine = memory.memory_bytes()
    for text, held in ((str(2**30), 2**30), ("max", machine), (str(2**62), machine)):
        limit.write_text(text + "\n")
        assert memory.memory_bytes() == held
    limit.write_text(str(module.WORKER_BYTES))
    assert default_jobs("cpu", 1) == 1
