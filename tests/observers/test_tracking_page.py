"""The plug-ins of docs/tracking.md, against stand-ins for packages that need an account."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import zoo
from bench.observers import OBSERVERS
from bench.records.record import DetailedRecord, checker

PAGE = Path(__file__).parents[2] / "docs" / "tracking.md"
STAND_INS = {
    "wandb": """
        CALLS = []
        class Run:
            def log(self, numbers, step): CALLS.append(("number", *numbers.popitem(), step))
            def finish(self, exit_code): CALLS.append(("failed", bool(exit_code)))
        def init(*, project, group, name, dir, config, tags, reinit):
            CALLS.append(("settings", config["recipe.train_pairs"], tags))
            return Run()
    """,
    "clearml": """
        CALLS = []
        class Task:
            @classmethod
            def init(cls, *, project_name, task_name, tags, reuse_last_task_id, auto_connect_frameworks):
                cls.tags = tags
                return cls()
            def connect(self, settings): CALLS.append(("settings", settings["recipe.train_pairs"], self.tags[:1]))
            def get_logger(self): return self
            def report_scalar(self, title, series, value, iteration):
                CALLS.append(("number", f"{title}/{series}", value, iteration))
            def mark_failed(self, status_message): CALLS.append(("failed", True))
            def close(self): pass
    """,
}


@pytest.fixture
def _forgotten() -> Iterator[None]:
    yield
    for name in STAND_INS:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", STAND_INS)
@pytest.mark.parametrize("status", ["ok", "diverged"])
@pytest.mark.usefixtures("registries", "_forgotten")
def test_a_plug_in_sends_settings_numbers_and_failure(
    record: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, status: str
) -> None:
    stand_in = tmp_path / "packages" / f"{name}.py"
    stand_in.parent.mkdir()
    stand_in.write_text(STAND_INS[name].replace("\n        ", "\n"))
    monkeypatch.syspath_prepend(str(stand_in.parent))
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S) if f'"{name}"' in block]
    plugin = tmp_path / f"track_{name}.py"
    plugin.write_text(code)
    zoo.load([plugin])
    written = record(status=status, message="" if status == "ok" else "loss is nan")
    read = checker(DetailedRecord)(json.dumps(written).encode(), "line 1")
    OBSERVERS.settle(f"{name}:project=joins").build(tmp_path / "run" / name).read(read)
    calls = sys.modules[name].CALLS
    assert calls[0] == ("settings", 6400, [status])
    assert (("failed", True) in calls) == (status != "ok")
    if status == "ok":
        assert [call for call in calls if call[1] == "train/loss"] == [
            ("number", "train/loss", loss, seen) for seen, loss, _ in written["curve"]
        ]
        assert ("number", "color/auc", written["eval"]["color"]["auc"], 6400) in calls
