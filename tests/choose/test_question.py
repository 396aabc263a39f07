"""What a replicate is taken to cost, and what is said where the budget has no room for more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.choose.answer import answer_of


def test_a_warm_up_that_lay_in_the_cache_is_no_price_of_the_next_replicate(run: Any, sweeps: Any) -> None:
    sweeps.warmup, sweeps.ready = 60.0, {0}
    state = run(fusion="abs_diff,hadamard", budget="1m")
    assert [(stage, numbers) for stage, _, numbers in sweeps.asked] == [("screening", (0,))]
    assert sweeps.now <= 60
    assert "one replicate took 1.07 minutes" in str(answer_of(state))


@pytest.mark.parametrize(("lost", "way"), [(10, "the same command goes on"), (150, "a larger `--budget` goes on")])
def test_interrupted_it_says_whether_the_budget_has_room(run: Any, sweeps: Any, lost: float, way: str) -> None:
    sweeps.interrupted_at, sweeps.warmup, sweeps.lost = 1, 60.0, lost
    state = run(fusion="abs_diff,hadamard", budget="200s")
    assert str(answer_of(state)).endswith(f"No test was run yet: {way}.\n")
    longest = json.loads((state.question.out / "race.json").read_text())["longest"]
    assert longest == {"screening": max(64.0, lost)}
