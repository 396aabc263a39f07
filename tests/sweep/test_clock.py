"""What a sweep is expected to take: recomputed from the table and from cells that finished."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench.records.record import Attempt
from bench.sweep.clock import Clock, in_words, prices
from bench.sweep.config import SweepConfig
from bench.sweep.plan import Plan, make_plan

Tiny = Callable[..., SweepConfig]
MOBILENET = "mobilenetv3_small_32"
# Of a warm-up that no other test has computed.
UNSEEN = 4711


def took(plan: Plan, seconds: float) -> Attempt:
    cell = plan.cells[0].cell
    return Attempt(
        schema=1, key="k", status="ok", backbone=str(cell.backbone), protocol=cell.protocol,
        recipe={"train_pairs": cell.recipe.train_pairs}, times={"total": seconds},
    )  # fmt: skip


def test_the_first_plan_is_priced_by_the_table_warm_up_included(tiny: Tiny) -> None:
    fusions = ["abs_diff", "pixel_distance"]
    plan = make_plan(tiny(seed="0..2", protocol="finetune", fusion=fusions, warmup_seed=UNSEEN), {})
    price, warmup = prices()[MOBILENET, "finetune"], prices()[MOBILENET, "finetune"].warmup
    assert warmup
    # 64 training pairs, 32 test pairs, 128 images; a distance of pixels trains nothing.
    cells = 3 * (64 * price.train + 32 * price.test) + 3 * 32 * price.test
    left = Clock(plan, (), 2, "cpu").left()
    assert left.seconds == pytest.approx(128 * warmup + cells / 2)
    assert left.basis.startswith(f"the time rests on {price.cells} such cells on {price.machine};")


def test_frozen_features_are_encoded_once_for_all_fusions(tiny: Tiny) -> None:
    config: dict[str, Any] = {"protocol": "frozen", "seed": "0..1", "warmup_seed": UNSEEN}
    price, warmup = prices()[MOBILENET, "frozen"], 128 * (prices()[MOBILENET, "finetune"].warmup or 0.0)
    encoding = 2 * (64 + 32 + 32) * price.encode
    one = 64 * price.train + 32 * price.test
    for fusions in (["abs_diff"], ["abs_diff", "concat", "hadamard"]):
        clock = Clock(make_plan(tiny(**config, fusion=fusions), {}), (), 1, "cpu")
        assert clock.left().seconds == pytest.approx(warmup + encoding + 2 * len(fusions) * one)


def test_what_finished_here_counts_more_than_the_table(tiny: Tiny) -> None:
    plan = make_plan(tiny(seed="0..3"), {})
    clock, slow = Clock(plan, (), 1, "cpu"), took(plan, 50.0)
    for done in range(1, 4):
        clock.finished(plan.cells[done].cell, slow)
        assert clock.left().seconds == pytest.approx(50.0 * (4 - done))
    assert clock.left().basis == "the time rests on 3 cells of this run"
    clock.finished(plan.cells[0].cell, slow)
    assert clock.left() == (None, "")
    assert Clock(plan, [slow], 2, "cpu").left() == (
        pytest.approx(50.0 * 4 / 2),
        "the time rests on 1 earlier cell of this run; the first ones that finish here correct it",
    )
    assert Clock(plan, [slow], None, "cpu").left().seconds is None


def test_what_another_machine_did_of_a_run_counts_until_a_cell_ends_here(tiny: Tiny) -> None:
    plan = make_plan(tiny(seed="0..3"), {})
    clock = Clock(plan, [took(plan, 0.5)] * 480, 1, "cpu")
    assert clock.left().seconds == pytest.approx(0.5 * 4)
    clock.finished(plan.cells[0].cell, took(plan, 40.0))
    assert clock.left() == (pytest.approx(40.0 * 3), "the time rests on 1 cell of this run")


def test_what_was_never_timed_is_not_guessed(tiny: Tiny) -> None:
    for config, device in (({"backbone": "tiny_vit"}, "cpu"), ({}, "cuda")):
        plan = make_plan(tiny(**config), {})
        clock = Clock(plan, (), 1, device)
        seconds, basis = clock.left()
        assert seconds is None
        assert f"{plan.cells[0].cell.backbone}, scratch, was not timed yet" in basis
        assert Clock(plan, [took(plan, 3.0)], 1, device).left().seconds == pytest.approx(3.0)


def test_a_time_is_told_as_roughly_as_it_is_known() -> None:
    assert [in_words(seconds) for seconds in (1, 44, 61, 700, 7000, 7300, 36000)] == [
        "about 10 s", "about 40 s", "about 1 min", "about 12 min", "about 117 min", "about 2.0 h", "about 10.0 h",
    ]  # fmt: skip
