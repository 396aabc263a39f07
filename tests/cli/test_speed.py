"""``bench speed`` as typed; what it measures is tested elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import UsageError
from bench.speed.records import SpeedFile


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["speed", *arguments])


def record(run: str, seconds: float) -> dict[str, Any]:
    return {
        "run": run, "fusion": "f", "backbone": "b", "mode": "infer", "batch": 1, "batch_choice": "given",
        "device": "cpu", "dtype": "float32", "memory_format": "channels_last", "threads": 1, "status": "ok", "pairs": 1,
        "flags": [], "median_s": seconds, "rounds": [{"blocks": [seconds]}] * 5, "machine": {"cpu": "this"},
    }  # fmt: skip


def test_compare_exits_by_whether_the_runs_agree(tmp_path: Path) -> None:
    with SpeedFile(tmp_path) as file:
        file.write([record("one", 1.0), record("two", 1.03), record("three", 2.0)])
    agree = invoke("--compare", "one", "two", "--out", str(tmp_path))
    assert (agree.exit_code, "1 of 1 rows within 5 % (100 %)" in agree.stdout) == (0, True)
    slower = invoke("--compare", "one", "three", "--out", str(tmp_path))
    assert (slower.exit_code, "slower" in slower.stdout) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--device", "gpu"), "--device: unknown 'gpu'; did you mean 'cpu'"),
        (("--mode", "inference"), "--mode: unknown 'inference'; did you mean 'infer'"),
        (("--fusion", "cosin"), "unknown fusion 'cosin': did you mean cosine"),
        (("--fusion", "cosine:scal=1"), "unknown parameter 'scal'"),
        (("--threads", "two"), "--threads 'two': expected whole numbers of 1 to 999,999"),
        (("--format", "html"), "--format: unknown 'html'"),
        (("--compare", "one", "two", "--out", "nowhere"), "one: no such path"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    result = invoke(*arguments)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
