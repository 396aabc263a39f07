"""A plug-in whose code is wrong costs its own cells and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.plugins import fusion


def test_a_constructor_that_fails_is_a_failed_cell_among_others(sweep, plugin: Callable[..., Path]) -> None:
    path = plugin(fusion("broken", construction="super().__init__(out_dim=spec.width)"), load=False)
    code, records, _ = sweep(fusion=["broken", "abs_diff"], include=[str(path)])
    assert {record["fusion"]: record["status"] for record in records} == {"broken": "error", "abs_diff": "ok"}
    error = next(record["error"] for record in records if record["fusion"] == "broken")
    assert "no attribute 'width'" in error["message"]
    assert "plugin.py" in error["traceback"]
    assert code == 3
