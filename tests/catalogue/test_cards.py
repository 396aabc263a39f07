"""Cards of fusions and objectives."""

from __future__ import annotations

import pytest

from bench import zoo
from bench.catalogue.cards import fusion_card, plain_card
from bench.catalogue.kinds import example
from bench.errors import UsageError
from bench.model import build_fusion, build_head
from bench.spec import parse_spec
from bench.training.objectives import OBJECTIVES

zoo.load()


def line(card: str, start: str) -> str:
    (found,) = [text for text in card.splitlines() if text.startswith(start)]
    return found


@pytest.mark.parametrize("fusion", ["mutan", "mutan:rank=8", "concat:head=64"])
def test_the_size_is_that_of_the_parameters_asked_for(fusion: str) -> None:
    built = build_fusion(parse_spec(fusion), example())
    count = sum(p.numel() for part in (built, build_head(built)) for p in part.parameters())
    card = fusion_card(fusion)
    assert card.startswith(f"{fusion}\n")
    assert line(card, "size").split()[1] == f"{count:,}"


def test_parameters_may_decide_what_is_joined_and_whether_the_order_matters() -> None:
    assert line(fusion_card("film"), "joins").endswith(" map")
    assert line(fusion_card("film:stage=1"), "joins").endswith(" stage")
    assert line(fusion_card("low_rank_bilinear:shared=true"), "symmetric").endswith("by construction")


@pytest.mark.parametrize(
    ("fusion", "message"),
    [("abs_diff:rank=2", "unknown parameter 'rank'"), ("film:stage=9", "fusion film:stage=9: stage 9: the backbone")],
)
def test_a_card_of_what_cannot_be_built_is_refused(fusion: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fusion_card(fusion)


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_the_card_of_an_objective_holds_its_formula(name: str) -> None:
    card = plain_card("objectives", name)
    assert card.startswith(f"objective {name}\n")
    assert "``" in card
    assert line(card, "reads").endswith(OBJECTIVES.get(name).reads)


def test_the_card_of_an_objective_holds_its_parameters() -> None:
    assert plain_card("objectives", "contrastive").endswith("options\n  margin = 1.0\n  normalise = True")
    assert "options" not in plain_card("objectives", "bce")
