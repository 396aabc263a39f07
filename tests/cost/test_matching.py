"""Fusions sized to one budget of parameters."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cost.counts import count_parameters
from bench.cost.matching import Matching, Sized
from bench.cost.matching import match_parameters as match_choices
from bench.fusion import FUSIONS, FeatureSpec
from bench.model import IMAGE, build_model, feature_spec
from bench.spec import parse_spec

BACKBONE = "mobilenetv3_small_32"
FEATURES = feature_spec(BACKBONE, IMAGE)


def match_parameters(fusions: list[str], matching: Matching, features: FeatureSpec) -> dict[str, Sized]:
    found = match_choices([FUSIONS.settle(fusion) for fusion in fusions], matching, features)
    return {str(fusion): sized for fusion, sized in found.items()}


def counted(fusion: str) -> int:
    """Parameters of fusion and head of the whole model."""
    return count_parameters(build_model(parse_spec(fusion), BACKBONE)).fusion


def test_the_budget_is_the_median_of_the_fusions_that_are_compared() -> None:
    names = ["abs_diff", "concat", "heuristic", "single_image", "name_then_xnor"]
    sized = match_parameters(names, Matching(0.05), FEATURES)
    assert set(sized) == {"abs_diff", "concat", "heuristic"}
    assert {one.budget for one in sized.values()} == {statistics.median(map(counted, names[:3]))}
    assert str(sized["concat"].fusion) == "concat"


def test_every_fusion_of_the_zoo_is_within_the_tolerance_or_says_why_not() -> None:
    sized = match_parameters(list(FUSIONS), Matching(0.05), FEATURES)
    missed = {name for name, one in sized.items() if one.problem}
    assert {"cosine", "neg_l2"} <= missed
    assert len(missed) < len(sized) / 5
    for name, one in sized.items():
        assert (abs(one.parameters / one.budget - 1) > 0.05) == (name in missed)


@pytest.mark.parametrize(
    "fusion",
    ["abs_diff", "two_channel", "cross_attention", "low_rank_bilinear", "correlation", "mlb", "tucker"],
)
@pytest.mark.parametrize("budget", [20_000, 60_000])
def test_the_model_of_that_name_has_that_many_parameters(fusion: str, budget: int) -> None:
    (sized,) = match_parameters([fusion], Matching(0.05, budget), FEATURES).values()
    assert sized.parameters == counted(str(sized.fusion)) == pytest.approx(budget, rel=0.05)
    assert parse_spec(str(sized.fusion)).name == fusion


def test_what_the_user_chose_stays() -> None:
    (sized,) = match_parameters(["low_rank_bilinear:rank=2:width=16"], Matching(0.05, 30_000), FEATURES).values()
    params = parse_spec(str(sized.fusion)).params
    assert (params["rank"], params["width"]) == (2, 16)
    assert set(params) == {"rank", "width", "head"}
    (sized,) = match_parameters(["abs_diff:head=32"], Matching(0.05, 30_000), FEATURES).values()
    assert str(sized.fusion) == "abs_diff:head=32"
    assert sized.problem == "it has no size to choose"


def test_widths_stay_divisible_by_the_heads() -> None:
    for budget in range(12_000, 90_000, 6_000):
        (sized,) = match_parameters(["cross_attention:heads=8"], Matching(0.01, budget), FEATURES).values()
        assert parse_spec(str(sized.fusion)).params.get("width", 64) % 8 == 0


SIZELESS = """
@register
class Fixed(Fusion):
    '''A fusion of {size} weights and no size to choose.'''

    name, family, needs, symmetric, paper = "fixed", "embedding", "embedding", True, "none"
    head = "score"

    def __init__(self, spec: FeatureSpec, seed: int = 3) -> None:
        super().__init__(out_dim=1)
        self.weight = nn.Parameter(torch.zeros({size}))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum(1) * self.weight[0]
"""


@pytest.mark.parametrize(
    ("size", "problem"), [(100, "it has no size to choose"), (98, "it has no size to choose"), (103, "")]
)
def test_a_fusion_without_a_size_is_taken_as_it_is(size: int, problem: str, plugin: Callable[..., Path]) -> None:
    plugin(SIZELESS.format(size=size))
    (sized,) = match_parameters(["fixed"], Matching(0.02, 104), FEATURES).values()
    assert (str(sized.fusion), sized.parameters, sized.problem) == ("fixed", size, problem)


def test_a_fusion_that_does_not_apply_counts_for_nothing() -> None:
    assert match_parameters(["fmap_diff:stage=99"], Matching(0.05), FEATURES) == {}


@pytest.mark.parametrize(
    ("text", "expected"), [("5%", (0.05, None)), (" 2.5 % ", (0.025, None)), ("10%:60000", (0.1, 60_000))]
)
def test_what_can_be_asked_for(text: str, expected: tuple[float, int | None]) -> None:
    matching = Matching.parse(text)
    assert (matching.tolerance, matching.budget) == pytest.approx(expected)


@pytest.mark.parametrize("bad", ["", "5", "0%", "100%", "5%:", "5%:0", "5%:many", "-5%", "60000"])
def test_what_cannot(bad: str) -> None:
    with pytest.raises(ValueError, match="5%:60000"):
        Matching.parse(bad)
