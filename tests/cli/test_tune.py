"""``bench tune`` as a user types it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.tune import run as tune_run
from bench.tune.run import End
from bench.tune.space import read_space

Bench = Callable[..., int]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The configuration and the tuning that each command starts."""
    seen: list[Any] = []

    def tune(config: object, tuning: object, *_: object) -> End:
        seen.append((config, tuning))
        return End(3, "| a table |\n")

    monkeypatch.setattr(tune_run, "tune", tune)
    return seen


def test_options_are_those_of_a_run_and_of_a_tuning(bench: Bench, started: list[Any], capsys: Captured) -> None:
    over = "lr=1e-3|1e-2,optimizer=adamw|sgd"
    assert bench("tune", "--over", over, "--fusion", "concat", "--trials", "grid", "--recipe", "epochs=2") == 3
    ((config, tuning),) = started
    assert (config.fusion, config.recipe, config.out) == (("concat",), {"epochs": 2}, "results/tuning")
    assert (tuning.space, tuning.trials, tuning.select) == (read_space([over]), None, "auc")
    assert capsys.readouterr().out == "| a table |\n"


def test_a_file_says_where_unless_the_command_line_does(bench: Bench, started: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("out: there\nfusion: concat\n")
    bench("tune", "--over", "lr=1..2", "--config", file)
    bench("tune", "--over", "lr=1..2", "--config", file, "--out", "here")
    assert [config.out for config, _ in started] == ["there", "here"]


@pytest.mark.parametrize(("line", "message"), [("part: 1/2", "no parts"), ("store: file:///x", "only bench run keeps")])
def test_what_a_tuning_does_not_have_is_refused(
    bench: Bench, started: list[Any], tmp_path: Path, capsys: Captured, line: str, message: str
) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(f"{line}\n")
    assert bench("tune", "--over", "lr=1..2", "--config", file) == 2
    assert message in capsys.readouterr().err
    assert not started


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "bench: --over is needed: what to tune"),
        (("--over", "lr=1..2", "--trials", "no"), "bench: --trials 'no': expected grid or a number"),
        (("--over", "lr=1..2", "--select", "size"), "bench: unknown metric 'size'"),
        (("--over", "lr=1..2", "--seed", "0..4"), "bench: --seed: trials and tests are replicates"),
        (("--over", "lr=1..2", "--fusion", "concta"), "bench: unknown fusion 'concta'"),
    ],
)
def test_bad_input_is_one_line(bench: Bench, capsys: Captured, arguments: tuple[str, ...], message: str) -> None:
    assert bench("tune", *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(message)
    assert error.count("\n") == 1
