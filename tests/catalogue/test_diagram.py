"""Pictures of fusions: what acts together in a join, and the way from two images to a score."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

from bench import zoo
from bench.catalogue.cards import fusion_card
from bench.catalogue.diagram import picture
from bench.catalogue.interaction import interaction
from bench.errors import UsageError
from bench.fusion import FUSIONS

zoo.load()
DIAGONAL = torch.eye(16, dtype=torch.bool)


def texts(fusion: str) -> list[str]:
    svg = ElementTree.fromstring(picture(FUSIONS.settle(fusion)).svg)
    return [found.text or "" for found in svg.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("fusion", ["concat", "signed_diff", "decision_average", "two_channel", "cross_stitch"])
def test_what_adds_up_or_puts_side_by_side_lets_nothing_act_together(fusion: str) -> None:
    assert not interaction(FUSIONS.settle(fusion)).any()


@pytest.mark.parametrize("fusion", ["abs_diff", "hadamard", "image_diff", "fmap_diff:stage=1"])
def test_an_elementwise_join_fills_the_diagonal_alone(fusion: str) -> None:
    found = interaction(FUSIONS.settle(fusion))
    assert bool((found[DIAGONAL] > 0).all())
    assert not found[~DIAGONAL].any()


@pytest.mark.parametrize("fusion", ["bilinear", "film", "sinkhorn", "cross_attention"])
def test_where_all_meet_all_the_grid_is_full_and_alike_for_both_orders(fusion: str) -> None:
    found = interaction(FUSIONS.settle(fusion))
    assert bool((found > 0).all())
    torch.testing.assert_close(found, found.T)


def test_a_convolution_over_a_difference_reaches_two_places_far() -> None:
    rows, columns = torch.arange(16) // 4, torch.arange(16) % 4
    far = [(side[:, None] - side[None]).abs() for side in (rows, columns)]
    near = torch.maximum(*far) <= 2
    assert torch.equal(interaction(FUSIONS.settle("fmap_diff")) > 0, near)


def test_the_random_state_stays_as_it_was() -> None:
    before = torch.random.get_rng_state()
    picture(FUSIONS.settle("film"))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("fusion", "said"),
    [
        ("abs_diff", ["A", "B", "backbone", "64", "64", "join", "no weights", "64", "head", "128 hidden", "score"]),
        ("side_by_side", ["A", "B", "join", "no weights", "3x32x64", "backbone", "64", "head", "128 hidden", "score"]),
        ("cosine", ["A", "B", "backbone", "64", "64", "join", "2 weights", "score"]),
        ("pixel_distance", ["A", "B", "join", "2 weights", "score"]),
        ("concat_linear", ["A", "B", "backbone", "64", "64", "join", "no weights", "128", "head", "linear", "score"]),
    ],
)
def test_the_boxes_are_those_of_the_model(fusion: str, said: list[str]) -> None:
    assert texts(fusion) == said


def test_parameters_move_the_join_into_the_backbone_and_two_towers_are_two_boxes() -> None:
    shown = texts("film:stage=1")
    assert shown.index("stage 0-1") < shown.index("join") < shown.index("the rest")
    assert texts("pseudo_siamese").count("backbone") == 2


def test_streams_that_exchange_meet_a_second_time() -> None:
    shown = texts("cross_stitch")
    assert shown.index("join") < shown.index("the rest") < shown.index("join of") < shown.index("head")


@pytest.mark.parametrize(
    ("fusion", "caption"),
    [
        ("concat", "No dimension of A acts together with one of B in the join. The order of A and B matters."),
        (
            "concat:symmetrize=true",
            "No dimension of A acts together with one of B in the join. Both orders are averaged.",
        ),
        ("image_diff", "Each patch of A acts together with the same patch of B. The order of A and B does not matter."),
        ("maxsim", "Tokens of A act together with some tokens of B. The order of A and B does not matter."),
    ],
)
def test_the_caption_says_what_the_grid_shows(fusion: str, caption: str) -> None:
    assert picture(FUSIONS.settle(fusion)).caption == caption


def test_a_card_writes_its_picture_where_it_is_told_to(tmp_path: Path) -> None:
    out = tmp_path / "film.svg"
    card = fusion_card("film:stage=1", out)
    assert card.endswith(f"picture written to {out}")
    assert re.search(r"<title>film:stage=1: .*</title>", out.read_text())
    with pytest.raises(UsageError, match="is an SVG"):
        fusion_card("film", tmp_path / "film.png")
