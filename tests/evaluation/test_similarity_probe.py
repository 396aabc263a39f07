"""What the watch sees of a similarity, and what it leaves alone."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.evaluation.similarity_probe import watch_similarity


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    return torch.randn(2, 24, 8, generator=torch.Generator().manual_seed(0)).unbind()


def test_the_cosines_of_the_pairs(pair) -> None:
    expected = [float(x @ y / (x.norm() * y.norm())) for x, y in zip(*pair, strict=True)]
    for score in (F.cosine_similarity, nn.CosineSimilarity(), lambda a, b: F.cosine_similarity(x1=a, x2=b)):
        found = watch_similarity(score, *pair)
        assert found.low == pytest.approx(min(expected), abs=1e-6)
        assert found.high == pytest.approx(max(expected), abs=1e-6)
        assert found.lowest == pytest.approx(float(torch.stack(pair).min()))


@pytest.mark.parametrize("squash", [torch.sigmoid, torch.relu, torch.square])
def test_vectors_without_negative_values_are_seen(squash, pair) -> None:
    found = watch_similarity(lambda a, b: F.cosine_similarity(squash(a), squash(b)), *pair)
    assert found.lowest >= 0
    assert found.low >= 0


def test_normalised_vectors_count_by_all_their_cosines(pair) -> None:
    a = pair[0]
    cosines = [float(x @ y / (x.norm() * y.norm())) for i, x in enumerate(a) for y in a[:i]]
    for normalise in (lambda a: F.normalize(a, dim=1), F.normalize, lambda a: F.normalize(a.T, 2.0, 0).T):
        found = watch_similarity(lambda a, b, normalise=normalise: normalise(a) @ b.T, *pair)
        assert (found.low, found.high) == pytest.approx((min(cosines), max(cosines)), abs=1e-5)


def test_tokens_are_vectors_each(pair) -> None:
    tokens = pair[0].view(6, 4, 8)
    by_token = watch_similarity(lambda a, b: F.normalize(a, dim=2), tokens, tokens)
    assert by_token == watch_similarity(lambda a, b: F.normalize(a), *pair)


def test_the_narrowest_comparison_counts(pair) -> None:
    def score(a: Tensor, b: Tensor) -> Tensor:
        return F.cosine_similarity(a, b) + F.cosine_similarity(a + 100, b + 100) + F.cosine_similarity(b, a)

    assert watch_similarity(score, *pair).low > 0.9


def test_neither_distances_nor_normalised_weights_are_comparisons(pair) -> None:
    weight = nn.Parameter(torch.ones(8, 8))
    assert watch_similarity(lambda a, b: (a - b).abs() @ F.normalize(weight), *pair) is None
    assert watch_similarity(lambda a, b: torch.cdist(a, b), *pair) is None


def test_the_watch_changes_no_score_and_ends(pair) -> None:
    seen = []
    watch_similarity(lambda a, b: seen.append(F.cosine_similarity(a, b)) or seen[0], *pair)
    assert torch.equal(seen[0], F.cosine_similarity(*pair))
    assert not torch.overrides._get_current_function_mode_stack()
