"""Parts of a plan: nothing is lost or doubled, and what is dear is shared."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.sweep.config import SweepConfig, load_config
from bench.sweep.part import part_of
from bench.sweep.plan import Plan, make_plan
from tests.sweep.conftest import TINY
from tests.sweep.conftest import settings as tiny_settings

Tiny = Callable[..., SweepConfig]
BROKEN = '''
from bench.backbones import Backbone, register_backbone


@register_backbone
class Broken(Backbone):
    """Cannot be built."""
    name = "test_broken"

    def __init__(self, image, pretrained=False):
        raise ValueError("no room for me")
'''
WIDE = {"fusion": "abs_diff,cosine,pixel_distance", "backbone": "mobilenetv3_small_32,tiny_vit"}


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    """Of 36 cells each."""
    frozen = load_config({**TINY, **WIDE, "seed": "0..5", "protocol": "frozen"})
    given = {"replicates": 6, "protocol": "finetune"}
    anew = load_config({**tiny_settings(given), **WIDE, **given})
    tuned = load_config({**TINY, **WIDE, "seed": "0..5", "protocol": "finetune"})
    return {name: make_plan(one, {}) for name, one in {"frozen": frozen, "anew": anew, "tuned": tuned}.items()}


@given(chance=st.randoms(), parts=st.integers(1, 50), kind=st.sampled_from(["frozen", "anew", "tuned"]))
@settings(max_examples=25, deadline=None)
def test_every_cell_is_in_one_part_whatever_the_order(
    plans: dict[str, Plan], chance: random.Random, parts: int, kind: str
) -> None:
    cells = plans[kind].cells
    found = [part_of(plans[kind], number, parts).cells for number in range(1, parts + 1)]
    assert sorted(one.key for part in found for one in part) == sorted(one.key for one in cells)
    shuffled = Plan(tuple(chance.sample(cells, len(cells))))
    number = chance.randint(1, parts)
    assert {one.key for one in part_of(shuffled, number, parts).cells} == {one.key for one in found[number - 1]}


@pytest.mark.parametrize("kind", ["frozen", "anew"])
def test_what_shares_encodings_or_a_warm_up_of_its_own_stays_together(plans: dict[str, Plan], kind: str) -> None:
    found: dict[tuple[str, str, int], set[int]] = {}
    for number in range(1, 4):
        for one in part_of(plans[kind], number, 3).cells:
            place = str(one.cell.backbone), str(one.cell.domain), one.cell.seed
            found.setdefault(place, set()).add(number)
    assert len(found) == 12
    assert all(len(numbers) == 1 for numbers in found.values())


def test_parts_take_alike_long_and_share_few_warm_ups(plans: dict[str, Plan]) -> None:
    parts = [part_of(plans["tuned"], number, 4) for number in range(1, 5)]
    # The larger network takes many times as long, so that fewer of its cells make a part.
    cells = [len(part.cells) for part in parts]
    assert max(cells) > 2 * min(cells)
    assert sum(len(part.missing_warmups()) for part in parts) <= 4 + 3


def test_more_parts_than_groups_leave_no_machine_idle(plans: dict[str, Plan]) -> None:
    few = Plan(tuple(one for one in plans["frozen"].cells if str(one.cell.backbone) == "tiny_vit"))
    assert [len(part_of(few, number, 18).cells) for number in range(1, 19)] == [1] * 18


def test_three_parts_in_three_folders_are_the_whole(
    sweep: Any, measured: Any, bench_report: Any, tmp_path: Path
) -> None:
    wide = {"fusion": "abs_diff,pixel_distance", "seed": "0..1", "protocol": "scratch"}
    _, whole, _ = sweep(**wide, out=str(tmp_path / "whole" / "run"))
    parts, printed = [], ""
    for number in range(1, 4):
        out = tmp_path / "parts" / f"part-{number}"
        code, records, said = sweep(**wide, part=f"{number}/3", out=str(out))
        assert code == 0
        parts, printed = parts + records, printed + said
    assert "part 3/3: 1 of 4 cells" in printed or "part 3/3: 2 of 4 cells" in printed
    in_order = [sorted(map(measured, records), key=lambda record: record["key"]) for records in (whole, parts)]
    assert in_order[0] == in_order[1]
    several = sorted((tmp_path / "parts").iterdir())
    options = "--cost", "params,macs"
    reports = [bench_report(*paths, *options).stdout for paths in ([tmp_path / "whole" / "run"], several)]
    assert reports[0].split("## Provenance")[0] == reports[1].split("## Provenance")[0]


def test_a_backbone_that_cannot_be_built_costs_its_own_cells_alone(
    sweep: Any, plugin: Callable[..., Path], tmp_path: Path
) -> None:
    file = plugin(BROKEN, name="broken", load=False)
    given = {"backbone": "mobilenetv3_small_32,test_broken", "include": [str(file)]}
    found = {}
    for number in (1, 2):
        code, records, _ = sweep(**given, part=f"{number}/2", out=str(tmp_path / f"part-{number}"))
        assert code in (0, 3)
        found.update({record["backbone"]: record["status"] for record in records})
    assert found == {"mobilenetv3_small_32": "ok", "test_broken": "error"}


@pytest.mark.parametrize("bad", ["0/8", "9/8", "1", "a/b", "1/0", "-1/3", "1/10001", "1/2/3"])
def test_what_is_no_part_is_refused(bad: str) -> None:
    with pytest.raises(UsageError, match=r"^--part: part = .*expected 1/8 to 8/8"):
        load_config({"part": bad})
