"""The plan: what is asked of a combination, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from bench.domain import DOMAINS
from bench.errors import UsageError
from bench.fusion import FUSIONS
from bench.records.record import Attempt
from bench.sweep.config import SweepConfig, load_config
from bench.sweep.plan import Plan, make_plan, make_plans

Tiny = Callable[..., SweepConfig]


@pytest.fixture
def attempts() -> Callable[..., dict[str, Attempt]]:
    """The records of the cells of a plan, by key: all with one status."""

    def make(plan: Plan, status: Any = "ok") -> dict[str, Attempt]:
        fields = {"schema": 1, "status": status, "backbone": "mobilenetv3_small_32", "protocol": "scratch"}
        return {one.key: Attempt(key=one.key, **fields) for one in plan.cells}

    return make


def states(plan: Plan) -> list[str]:
    return [one.state for one in plan.cells]


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fusion, once for each time it is built, and the domain, once for each time it names images."""
    seen: list[str] = []

    def told(name: str, own: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            seen.append(name)
            return own(*args, **more)

        return call

    monkeypatch.setattr(FUSIONS.get("abs_diff"), "__init__", told("fusion", FUSIONS.get("abs_diff").__init__))
    monkeypatch.setattr(DOMAINS.get("color"), "draw_named", told("domain", DOMAINS.get("color").draw_named))
    return seen


def test_what_gave_a_result_is_not_tried_again(tiny: Tiny, attempts: Any, builds: list[str]) -> None:
    config = tiny(seed="0..1", protocol="finetune")
    fresh = make_plan(config, {})
    assert states(fresh) == ["to run", "to run"]
    assert builds == ["fusion", "domain"]
    builds.clear()
    assert states(make_plan(config, attempts(fresh))) == ["done", "done"]
    assert not builds
    # One seed more, a failure and --retry are tried like new ones.
    assert "to run" in states(make_plan(tiny(seed="0..2", protocol="finetune"), attempts(fresh)))
    assert builds == ["fusion", "domain"]
    assert states(make_plan(config, attempts(fresh, "oom"))) == ["failed", "failed"]
    again = tiny(seed="0..1", protocol="finetune", retry=["ok"])
    assert states(make_plan(again, attempts(fresh))) == ["to run", "to run"]
    assert len(builds) == 6


def test_a_result_stays_done_where_others_of_the_fusion_are_not_applicable(tiny: Tiny, attempts: Any) -> None:
    fresh = make_plan(tiny(fusion="two_channel", seed="0..1", protocol="frozen"), {})
    assert states(fresh) == ["not applicable"] * 2
    first = fresh.cells[0].key
    plan = make_plan(tiny(fusion="two_channel", seed="0..1", protocol="frozen"), {first: attempts(fresh)[first]})
    assert states(plan) == ["done", "not applicable"]


def test_planning_computes_in_one_thread_and_gives_the_others_back(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    used = []
    own = DOMAINS.get("color").draw_named
    monkeypatch.setattr(
        DOMAINS.get("color"), "draw_named", lambda *args: (used.append(torch.get_num_threads()), own(*args))[1]
    )
    torch.set_num_threads(2)
    try:
        make_plan(tiny(protocol="finetune"), {})
        assert used == [1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_a_cell_that_several_configurations_have_is_planned_once(tiny: Tiny) -> None:
    one, other = tiny(recipe={"lr": 2e-3}), tiny(recipe={"lr": 1e-3})
    together = make_plans([one, other, one], {})
    assert together.cells == (*make_plan(one, {}).cells, *make_plan(other, {}).cells)


def test_a_first_replicate_wants_replicates() -> None:
    with pytest.raises(UsageError, match=r"^--first-replicate: nothing without --replicates"):
        make_plan(load_config({"first_replicate": 7}), {})
