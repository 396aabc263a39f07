"""Which models count as broken, which as not learned, and what the sentences say."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.evaluation.collapse import Evidence, collapse_reason, not_learned_reason

N = 1000
LABEL = np.arange(N) % 2
LN2 = math.log(2)
HEALTHY = {"embedding_std": 0.9, "name_probe": 0.98}
SQUASHED = {**HEALTHY, "compared_lowest": 0.02, "cosine_low": 0.981, "cosine_high": 0.9996}
RAW_COSINE = 0.81  # balanced cross-entropy of the score 1: (0.31 + 1.31) / 2
SIGNED = {**HEALTHY, "compared_lowest": -2.0, "cosine_low": -0.9, "cosine_high": 0.95}


def noise(scale: float = 1.0) -> np.ndarray:
    return scale * np.random.default_rng(0).normal(size=N).astype(np.float32)


def evidence(scores: np.ndarray, loss: float = 0.3, accuracy: float = 0.9, **more) -> Evidence:
    return Evidence(scores, LABEL, **{"found": HEALTHY, "curve": [(64, 0.7, 0.5), (640, loss, accuracy)], **more})


def sentence(case: Evidence) -> str:
    """The reason, which is one sentence."""
    reason = collapse_reason(case)
    assert reason is not None
    assert "\n" not in reason
    assert not reason.endswith(".")
    return reason


@pytest.mark.parametrize("scale", [0.05, 1, 30])
@pytest.mark.parametrize("found", [HEALTHY, SIGNED, SQUASHED, {}])
def test_a_model_that_separates_the_pairs_is_healthy(scale: float, found: dict[str, float]) -> None:
    """Whatever the vectors it compares look like."""
    case = evidence(noise(scale) + scale * (4 * LABEL - 2), found=found)
    assert collapse_reason(case) is None
    assert not_learned_reason(case) is None


@pytest.mark.parametrize("constant", [0.0, -3.0, 0.1, 55.5])
@pytest.mark.parametrize("found", [HEALTHY, {}])
def test_constant_scores_are_a_collapse(constant: float, found: dict[str, float]) -> None:
    assert "all scores are the same" in sentence(evidence(np.full(N, constant, np.float32), found=found))


def test_constant_scores_name_the_part_that_fails() -> None:
    constant = np.full(N, 0.2, np.float32)
    assert sentence(evidence(constant)).endswith(
        "the encoder still names the classes (linear probe 0.98), but the join ignores them"
    )
    assert sentence(evidence(constant, found={"embedding_std": 0.8, "name_probe": 0.55})).endswith("ignores the images")
    assert "all embeddings point the same way" in sentence(evidence(constant, found={"embedding_std": 0.01}))
    assert "remove the Sigmoid or ReLU" in sentence(evidence(constant, found=SQUASHED))
    assert "the join ignores them" in sentence(evidence(constant, found=SIGNED))


def test_very_little_training_is_said_first() -> None:
    constant = np.full(N, 0.2, np.float32)
    few, enough = [(64, 0.7, 0.5), (128, 0.7, 0.5)], [(64, 0.7, 0.5), (500, 0.7, 0.5)]
    assert sentence(evidence(constant, curve=few)).startswith("trained on 128 examples only; all scores are the same")
    assert sentence(evidence(constant, curve=enough)).startswith("all scores are the same")
    assert sentence(Evidence(constant, LABEL)).startswith("all scores are the same")
    assert collapse_reason(evidence(noise() + 4 * LABEL - 2, curve=few)) is None


def test_embeddings_that_are_alike_are_a_collapse_where_the_scores_say_nothing() -> None:
    alike = {"embedding_std": 0.01, "name_probe": 0.5}
    assert sentence(evidence(noise(), found=alike)).startswith(
        "all embeddings point the same way (normalised deviation 0.010"
    )
    assert collapse_reason(evidence(noise() + 3 * LABEL - 1.5, found=alike)) is None


def test_a_sigmoid_before_a_raw_cosine() -> None:
    cosines = np.clip(0.99 + noise(0.003), 0.981, 0.9996)
    ranking = np.clip(0.985 + 0.01 * LABEL + noise(0.001), 0.981, 0.9996)
    for scores in (cosines, ranking, ranking - 0.002 * noise()):
        reason = sentence(evidence(scores, RAW_COSINE, 0.5, found=SQUASHED))
        assert reason.startswith("100% of the scores lie above 0, so the answer is same whatever the images (AUC ")
        assert "all cosines lie between 0.98 and 1.00 because the vectors compared have no negative values" in reason
        assert "remove the Sigmoid or ReLU before the similarity" in reason


def test_a_relu_before_a_raw_cosine_whose_cosines_spread() -> None:
    """The range alone is no sign: it is that no cosine can be negative."""
    scores = np.clip(0.5 + 0.1 * LABEL + noise(0.2), 0.05, 1.0)
    wide = {**SQUASHED, "cosine_low": 0.05}
    assert 0.55 < evidence(scores).auc < 0.75
    assert "the vectors compared have no negative values" in sentence(evidence(scores, RAW_COSINE, 0.5, found=wide))
    assert collapse_reason(evidence(scores, RAW_COSINE, 0.5, found={**wide, "compared_lowest": -0.02})) is None


@pytest.mark.parametrize("found", [SIGNED, {**SQUASHED, "cosine_low": 0.2}])
def test_a_similarity_that_has_not_learned_is_not_broken(found: dict[str, float]) -> None:
    """Its bias has moved the scores to where the loss is that of a coin, a little off the middle."""
    case = evidence(0.03 + noise(0.01), LN2 + 0.002, 0.5, found=found)
    assert case.one_sided
    assert collapse_reason(case) is None
    assert "the loss ended at" in str(not_learned_reason(case))


def test_a_common_offset_before_a_raw_cosine() -> None:
    offset = {**SQUASHED, "compared_lowest": -0.3}
    assert "share a large common offset; centre them" in sentence(
        evidence(0.99 + noise(0.003), RAW_COSINE, found=offset)
    )


def test_cosines_in_a_narrow_range_are_a_collapse_behind_a_scale_and_bias_too() -> None:
    assert sentence(evidence(noise(), LN2, 0.5, found=SQUASHED)).startswith("the scores say nothing: all cosines lie")


@pytest.mark.parametrize(
    ("offset", "answer"), [(9, "above 0, so the answer is same"), (-13, "below 0, so the answer is different")]
)
def test_a_score_that_cannot_change_sign(offset: int, answer: str) -> None:
    case = evidence(noise() + 4 * LABEL + offset, LN2, 0.5)
    assert answer in sentence(case)
    assert "a learned scale and bias" in sentence(case)


def test_the_threshold_of_the_model_counts() -> None:
    """A distance trained without logits is judged at the threshold that the model decides with."""
    distance = -np.abs(noise(0.3) + 5 - 4 * LABEL)
    assert collapse_reason(evidence(distance, trivial_loss=None)) is not None
    assert collapse_reason(evidence(distance, trivial_loss=None, threshold=-3.0)) is None


def test_batch_norm_that_differs_in_evaluation() -> None:
    assert "BatchNorm statistics" in sentence(evidence(noise(0.3) + 2 * LABEL + 5, 0.1, 0.97))


@pytest.mark.parametrize("offset", [0.0, 0.3, 20.0])
@pytest.mark.parametrize("found", [HEALTHY, SIGNED, {}])
def test_a_model_at_chance_is_not_learned_but_not_broken(offset: float, found: dict[str, float]) -> None:
    case = evidence(offset + noise(), LN2 + 0.004, 0.5, found=found)
    assert collapse_reason(case) is None
    assert "the loss ended at 0.697" in str(not_learned_reason(case))


def test_a_model_at_chance_names_the_part_that_has_not_learned() -> None:
    at_chance = {"loss": LN2, "accuracy": 0.5}
    assert "it is the join that has not learned" in str(not_learned_reason(evidence(noise(), **at_chance)))
    blind = {"embedding_std": 0.9, "name_probe": 0.52}
    assert "does not name the classes either" in str(not_learned_reason(evidence(noise(), **at_chance, found=blind)))
    assert "learned by heart" in str(not_learned_reason(evidence(noise(), 0.05, 0.99)))
    assert "those of a coin" in str(not_learned_reason(evidence(noise(), 0.4, 0.6, trivial_loss=None)))
    many = {"found": {"name_probe": 0.6}, "classes": 10}
    assert "it is the join" in str(not_learned_reason(evidence(noise(), **at_chance, **many)))


@pytest.mark.parametrize("probe", [0.05, 0.98])
def test_where_images_have_no_classes_no_probe_of_them_is_told(probe: float) -> None:
    unnamed = {"found": {**HEALTHY, "name_probe": probe}, "classes": 120, "has_classes": False}
    said = not_learned_reason(evidence(noise(), LN2, 0.5, **unnamed))
    assert said == "the loss ended at 0.693, that of an answer that ignores the images"
    assert sentence(evidence(np.full(N, 0.3), LN2, 0.5, **unnamed)).endswith("the model ignores the images")


def advantage(share: float) -> Evidence:
    """A model whose accuracy and AUC are both 0.5 + share / 2: it calls that share more of the same pairs same."""
    same, half = LABEL == 1, np.arange(N) // 2
    called = np.where(same, half < N * (0.25 + share / 2), half < N * 0.25)
    return Evidence(2.0 * called - 1, LABEL)


def test_how_far_from_chance_chance_may_be() -> None:
    """Four standard errors of an AUC, sqrt(1 / 3N) as random scores show it, and two of an accuracy."""
    drawn = np.random.default_rng(0).normal(size=(300, N))
    assert np.std([Evidence(scores, LABEL).auc for scores in drawn]) == pytest.approx(math.sqrt(1 / (3 * N)), rel=0.15)
    assert advantage(0.1).auc == pytest.approx(0.55)
    assert [advantage(share).auc_at_chance for share in (0.0, 0.144, 0.15)] == [True, True, False]
    assert [advantage(share).accuracy_at_chance for share in (0.0, 0.06, 0.068)] == [True, True, False]


def test_ranking_alone_is_learning() -> None:
    case = evidence(noise() + 0.6 * LABEL + 5, 0.6, 0.6)
    assert case.accuracy_at_chance
    assert not_learned_reason(case) is None


@pytest.mark.parametrize(
    ("loss", "trivial", "expected"),
    [(LN2, LN2, True), (0.6, LN2, False), (1.0986, math.log(3), True), (LN2, None, False)],
)
def test_trivial_losses(loss: float, trivial: float | None, expected: bool) -> None:
    assert evidence(noise(), loss, trivial_loss=trivial).loss_is_trivial is expected
    assert Evidence(noise(), LABEL).loss_is_trivial is False


def test_a_score_with_scale_and_bias_is_not_told_to_add_them() -> None:
    """Undertrained: all scores on one side, though they rank the pairs."""
    case = evidence(10 + 0.5 * LABEL + noise(0.1), loss=0.69, accuracy=0.5, found=SIGNED)
    assert "give a similarity or distance a learned scale and bias" in sentence(case)
    scaled = replace(case, is_scaled=True)
    assert sentence(scaled).endswith(
        "its learned scale and bias have not moved the scores to both sides; train it longer"
    )
    for squashed in (replace(scaled, found=SQUASHED), replace(scaled, found={**SQUASHED, "compared_lowest": -0.2})):
        assert "scale and bias" not in sentence(squashed)
