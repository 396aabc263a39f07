"""Median, spread, latency and flags by hand."""

from __future__ import annotations

from typing import Any

import pytest

from bench.speed.summary import round_medians, summarise


def one(blocks: list[float], latencies: list[float], settled: bool = True) -> dict[str, Any]:
    return {"blocks": blocks, "latencies": latencies, "settled": settled, "calls": 3}


def test_all_rounds_count_together() -> None:
    rounds = [one([0.010, 0.011], [0.02, 0.03]), one([0.0105, 0.0104, 0.0106], [0.04])]
    found = summarise(rounds, pairs=21, is_busy=False)
    assert (found["median_s"], found["n"], found["pairs_per_s"]) == (0.0105, 5, 2000.0)
    assert found["iqr_s"] == round(0.0106 - 0.0104, 9)
    assert (found["p50_s"], found["p95_s"]) == (0.03, 0.039)
    assert found["flags"] == []
    assert round_medians({"rounds": rounds}) == pytest.approx([0.0105, 0.0105])


def test_flags() -> None:
    spread = summarise([one([1.0, 1.0, 1.2, 1.2], [1.0])], 1, is_busy=False)
    assert spread["flags"] == ["noisy"]
    assert summarise([one([1.0], [1.0], settled=False)], 1, is_busy=True)["flags"] == ["unsettled", "busy"]
