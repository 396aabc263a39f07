"""Which fusions an objective can train, and the reason where it cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.fusion import Fusion
from bench.model import IMAGE, build_fusion, feature_spec
from bench.spec import parse_spec
from bench.training.applicable import why_not_augment, why_not_auxiliary, why_not_objective
from bench.training.augment import Augmentation
from bench.training.objectives import Objective


@pytest.fixture
def why_not() -> Callable[..., str]:
    def ask(fusion: str, objective: str, protocol: str = "finetune") -> str:
        return why_not_objective(build(fusion), Objective.parse(objective), protocol)  # type: ignore[arg-type]

    return ask


def build(fusion: str) -> Fusion:
    return build_fusion(parse_spec(fusion), feature_spec("mobilenetv3_small_32", IMAGE))


@pytest.mark.parametrize("objective", ["bce", "hinge", "bce+0.5*hinge"])
@pytest.mark.parametrize("fusion", ["concat", "cosine", "two_channel", "pixel_distance", "name_then_xnor"])
@pytest.mark.parametrize("protocol", ["finetune", "frozen", "scratch"])
def test_scores_can_always_be_trained(why_not, fusion: str, objective: str, protocol: str) -> None:
    assert why_not(fusion, objective, protocol) == ""


@pytest.mark.parametrize("objective", ["contrastive", "supcon+triplet", "arcface"])
def test_a_similarity_alone_may_stay_untrained(why_not, objective: str) -> None:
    assert why_not("cosine", objective) == ""
    reason = why_not("abs_diff", objective)
    assert (
        reason
        == f"{objective} trains the encoder alone, and abs_diff learns a head (mlp) on scores; use bce+{objective}"
    )
    assert why_not("abs_diff", f"bce+{objective}") == ""


def test_a_score_with_weights_of_its_own_needs_a_term_that_trains_them(why_not, plugin) -> None:
    plugin('''
        @register
        class Metric(Fusion):
            """``s = u L v``, (B, D) twice -> (B,)."""

            name, family, needs, symmetric, paper, head = "test_metric", "test", "embedding", True, "none", "score"

            def __init__(self, spec: FeatureSpec) -> None:
                super().__init__(1)
                self.weight = nn.Parameter(torch.eye(spec.dim))
                self.scale = nn.Parameter(torch.tensor(1.0))
        ''')
    assert "test_metric has 16,384 weights of its own; use bce+contrastive" in why_not("test_metric", "contrastive")
    assert why_not("test_metric", "bce+contrastive") == ""


@pytest.mark.parametrize(
    ("fusion", "protocol", "reason"),
    [
        ("two_channel", "finetune", "two_channel joins the images before they are encoded"),
        ("pixel_distance", "finetune", "pixel_distance has no encoder"),
        ("concat", "frozen", "the frozen protocol trains none"),
        ("random_encoder", "finetune", "that of random_encoder stays random"),
    ],
)
def test_terms_on_encodings_need_encodings_that_train(why_not, fusion: str, protocol: str, reason: str) -> None:
    assert reason in why_not(fusion, "bce+contrastive", protocol)


def test_references_do_without_an_objective(why_not) -> None:
    assert why_not("name_then_xnor", "triplet") == ""
    assert why_not("template_oracle", "triplet") == ""


def test_auxiliary_heads_need_encodings_of_single_images() -> None:
    assert why_not_auxiliary(build("two_channel"), {}) == ""
    assert why_not_auxiliary(build("cross_attention"), {"centre": 1.0}) == ""
    assert "two_channel joins the images" in why_not_auxiliary(build("two_channel"), {"centre": 1.0})


def test_maps_inside_the_backbone_and_two_towers_have_no_encodings(plugin) -> None:
    plugin('''
        @register
        class Stage(Fusion):
            """``m = p + q``, (B, C, H, W) twice -> (B, C, H, W)."""

            name, family, needs, symmetric, paper = "test_stage", "test", "stage", True, "none"

            def __init__(self, spec: FeatureSpec) -> None:
                super().__init__(1)
                self.stage = 0


        @register
        class Pseudo(Fusion):
            """``f = u + v``, (B, D) twice -> (B, D)."""

            name, family, needs, symmetric, paper, towers = "test_pseudo", "test", "embedding", False, "none", 2

            def __init__(self, spec: FeatureSpec) -> None:
                super().__init__(spec.dim)
        ''')
    assert "joins the maps inside the backbone" in why_not_auxiliary(build("test_stage"), {"centre": 1.0})
    assert "encodes A and B with different towers" in why_not_auxiliary(build("test_pseudo"), {"centre": 1.0})


@pytest.mark.parametrize(
    ("fusion", "augment", "protocol", "heads", "reason"),
    [
        ("concat", "none", "frozen", {"centre": 1.0}, ""),
        ("concat", "flip", "finetune", {}, ""),
        ("concat", "flip", "frozen", {}, "the frozen protocol encodes every image once"),
        ("name_then_xnor", "erase", "frozen", {}, "the frozen protocol encodes every image once"),
        ("pixel_distance", "flip", "frozen", {}, ""),
        ("template_oracle", "flip", "frozen", {"centre": 1.0}, ""),
        ("concat", "rotate", "scratch", {"centre": 1.0, "name": 1.0}, "moves the figures that auxiliary heads locate"),
        ("concat", "jitter+erase", "scratch", {"centre": 1.0}, ""),
        ("concat", "crop", "finetune", {"name": 1.0}, ""),
    ],
)
def test_where_images_can_be_augmented(
    fusion: str, augment: str, protocol: str, heads: dict[str, float], reason: str
) -> None:
    found = why_not_augment(build(fusion), Augmentation.parse(augment), protocol, heads)  # type: ignore[arg-type]
    assert reason in found
    assert bool(found) == bool(reason)
