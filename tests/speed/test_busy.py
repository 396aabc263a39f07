"""How busy a machine is before anything is measured."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.speed import busy


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busy, "SAMPLE_SECONDS", 0.0)


def test_the_load_is_the_share_of_time_that_was_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = iter([(1_000, 400), (1_200, 450)])
    monkeypatch.setattr(busy, "_ticks", lambda: next(reads))
    assert busy.load() == pytest.approx(0.75)


def test_idle_time_is_idle_or_waiting_for_disks(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  10 20 30 400 50 6 7 8 90 100\ncpu0 1 2 3 4 5 6 7 8 9 10\n")
    # Guests are in the time of users already.
    assert busy._ticks(stat) == (10 + 20 + 30 + 400 + 50 + 6 + 7 + 8, 450)


def test_without_a_clock_of_the_cores_the_last_minute_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert busy._ticks(tmp_path / "stat") is None
    monkeypatch.setattr(busy, "_ticks", lambda: None)
    monkeypatch.setattr(os, "getloadavg", lambda: (3.0, 0.0, 0.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert busy.load() == 1.5
