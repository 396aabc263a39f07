"""What is shown of the workers of a sweep, be it one or a cluster of them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from bench import zoo
from bench.records.folder import RunFolder
from bench.records.record import Record
from bench.sweep import progress
from bench.sweep.clock import Estimate
from bench.sweep.config import load_config
from bench.sweep.plan import make_plans
from bench.sweep.progress import MOST_TOLD, SweepDisplay, describe, recipes_apart


def leave_news(folder: Path, *cells: str) -> None:
    for number, cell in enumerate(cells):
        news = {"kind": "cell", "cell": cell, "share": 0.5, "curve": [0.5, 0.75]}
        folder.joinpath(f"node-{number:04}.json").write_text(json.dumps(news))


def display(news: Path, **given: Any) -> SweepDisplay:
    ignored = dict.fromkeys(("finished", "warmed_up"), lambda *given: None)
    still: Any = SimpleNamespace(**ignored, left=lambda: Estimate(None, ""))
    return SweepDisplay(Console(file=io.StringIO(), width=100, **given), (), news, still)


def said(shown: SweepDisplay) -> str:
    return shown.console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def failed(cell: str) -> tuple[Any, Any]:
    return cell, SimpleNamespace(status="killed", ending="killed")


def test_what_ended_is_not_shown_as_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_news(tmp_path, "abs_diff · seed 1", "abs_diff · seed 10", "cosine · seed 1 and 9 more")
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", -1)
    shown = display(tmp_path)
    for cell in ("abs_diff · seed 1", "cosine · seed 1"):
        shown.finished(*failed(cell))
    shown.tick()
    told = [line for line in said(shown).splitlines() if line.startswith("...")]
    assert told == ["... abs_diff · seed 10: 50%"]
    assert [file.name for file in tmp_path.iterdir()] == ["node-0001.json"]


def test_a_thousand_workers_are_a_screen_or_some_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_news(tmp_path, *(f"abs_diff · seed {number}" for number in range(100)))
    live = display(tmp_path, force_terminal=True, height=24)
    live.console.print(live)
    lines = said(live).splitlines()
    assert len(lines) < 24
    assert "and 79 more" in said(live)
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", -1)
    plain = display(tmp_path)
    plain.tick()
    lines = said(plain).splitlines()
    assert len(lines) == MOST_TOLD + 1
    assert lines[-1] == "... and 80 more at work"


def test_a_cell_that_ends_reads_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_news(tmp_path, "abs_diff · seed 1")
    monkeypatch.setattr(progress, "_read", lambda path: pytest.fail("as many files as workers, for each cell"))
    display(tmp_path).finished(*failed("abs_diff · seed 1"))


@pytest.mark.parametrize(("pairs", "told"), [(8, "accuracy 0.950, AUC 0.950 on 8 pairs, "), (2000, "AUC 0.950, ")])
def test_a_score_on_a_handful_of_pairs_says_so(
    record: Any, metrics: Any, run_folder: Any, pairs: int, told: str
) -> None:
    fields = {"eval": {"color": metrics(0.95, n=pairs)}, "times": {"total": 3.0}}
    (found,) = RunFolder(run_folder([record(**fields)])).records(Record)
    assert told in describe(found)


def test_an_error_of_several_lines_is_a_line(tmp_path: Path, record: Any, run_folder: Any) -> None:
    (found,) = RunFolder(run_folder([record(status="error", message="\nkaputt\nsecond line")])).records(Record)
    assert describe(found) == "error: kaputt"
    shown = display(tmp_path)
    warmup = SimpleNamespace(task="shapes", domain="color")
    cell: Any = SimpleNamespace(warmup=warmup, backbone="tiny_vit", repeats="seed", name_of=str)
    shown.warmed_up(cell, {"status": "error", "error": {"type": "ValueError", "message": "kaputt\nsecond line"}})
    assert said(shown) == "warm-up shapes of tiny_vit on color: error: kaputt\n"


def test_trials_of_one_name_are_told_apart_by_their_recipes() -> None:
    zoo.load()
    sweep: dict[str, Any] = {"fusion": "abs_diff,cosine", "domain": "color", "seed": "0"}
    trials = [{"lr": 0.001}, {"lr": 0.01}, {"lr": 0.01, "optimizer": "sgd"}]
    plan = make_plans([load_config({**sweep, "recipe": trial}) for trial in trials], {})
    told = recipes_apart(one.cell for one in plan.cells)
    assert len({f"{cell}{told[cell]}" for cell in told}) == len(plan.cells) == 6
    assert " · optimizer=sgd, lr=0.01" in told.values()
    alone = make_plans([load_config({**sweep, "recipe": trials[0]})], {})
    assert set(recipes_apart(one.cell for one in alone.cells).values()) == {""}
