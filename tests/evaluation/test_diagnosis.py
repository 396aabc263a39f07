"""Diagnosis of whole models: what it measures on which, and whom it judges."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.evaluation.collapse import Evidence
from bench.evaluation.diagnosis import Diagnosis, diagnose
from bench.model import build_model
from bench.spec import parse_spec

N = 64
CLASS_A, CLASS_B = torch.arange(N) % 2, torch.arange(N) // 2 % 2
LABEL = (CLASS_A == CLASS_B).numpy().astype(int)


def diagnose_untrained(fusion: str, scores: np.ndarray | None = None, loss: float = 0.81) -> Diagnosis:
    """The diagnosis of a model on random images, with its own scores unless others are given."""
    model = build_model(parse_spec(fusion), "mobilenetv3_small_32").eval()
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randint(0, 256, (2, N, 3, 32, 32), dtype=torch.uint8, generator=generator)
    if scores is None:
        with torch.no_grad():
            scores = model(a, b).numpy()
    return diagnose(model, a, b, CLASS_A, CLASS_B, Evidence(scores, LABEL, curve=[(64, loss, 0.5)]))


ENCODED = {"embedding_std", "effective_rank", "uniformity", "alignment", "name_probe"}
COMPARED = {"compared_lowest", "cosine_low", "cosine_high"}


@pytest.mark.parametrize(
    ("fusion", "expected"),
    [
        ("abs_diff", ENCODED),
        ("fmap_diff", ENCODED),
        ("cross_attention:symmetrize=true", ENCODED),
        ("cosine", ENCODED | COMPARED),
        ("correlation", ENCODED | COMPARED),
        ("two_channel", set()),
    ],
)
def test_what_is_measured_depends_on_where_the_images_meet(fusion: str, expected: set[str]) -> None:
    measures = set(diagnose_untrained(fusion).measures)
    assert measures & (ENCODED | COMPARED) == expected
    assert "loss_is_trivial" in measures


def test_a_sigmoid_before_a_raw_cosine_is_named() -> None:
    reason = diagnose_untrained("siamese_cosine_sigmoid").collapse
    assert reason is not None
    assert "the vectors compared have no negative values; remove the Sigmoid or ReLU before the similarity" in reason


@pytest.mark.parametrize("fusion", ["two_channel", "abs_diff", "cosine", "correlation", "corelnet", "concat"])
def test_a_model_that_answers_at_random_is_noted_but_not_collapsed(fusion: str) -> None:
    coin = np.random.default_rng(1).permutation(np.linspace(-1, 1, N))
    found = diagnose_untrained(fusion, coin, loss=0.694)
    assert found.collapse is None
    assert found.measures["note"].startswith("the loss ended at 0.694")


@pytest.mark.parametrize("fusion", ["single_image", "pixel_distance", "concat_linear"])
def test_a_control_is_measured_but_never_judged(fusion: str) -> None:
    found = diagnose_untrained(fusion, np.full(N, 0.3, np.float32))
    assert found.collapse is None
    assert "note" not in found.measures


def test_the_probe_sees_the_classes_of_the_images() -> None:
    """Images that are white or black by class are named by any encoder."""
    model = build_model(parse_spec("abs_diff"), "mobilenetv3_small_32")
    images = torch.randint(0, 40, (2, N, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for side, classes in zip(images, (CLASS_A, CLASS_B), strict=True):
        side[:, :, :8] += (classes * 200).to(torch.uint8)[:, None, None, None]
    evidence = Evidence(np.linspace(-1, 1, N), LABEL)
    assert diagnose(model, *images, CLASS_A, CLASS_B, evidence).measures["name_probe"] == 1


@pytest.mark.parametrize(
    ("fusion", "has_both"), [("cosine", True), ("siamese_cosine_sigmoid", False), ("concat", False)]
)
def test_what_has_a_scale_and_a_bias_is_not_told_to_add_them(fusion: str, has_both: bool) -> None:
    one_sided = 10 + np.where(LABEL, 0.2, -0.2) + np.linspace(-0.1, 0.1, N)
    reason = diagnose_untrained(fusion, one_sided).collapse
    assert reason is not None
    assert ("train it longer" in reason) == has_both
    assert ("learned scale and bias" in reason and "have not moved" not in reason) != has_both
