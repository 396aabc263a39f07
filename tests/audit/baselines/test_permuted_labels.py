"""Shuffled labels: one shuffle may lean on the task by accident, many may not; true labels that get through show."""

from __future__ import annotations

import pytest
import torch
from sklearn.linear_model import Ridge

from bench.audit.baselines import permuted_labels
from bench.audit.baselines.permuted_labels import PermutedLabels, shuffles
from bench.audit.draws import Draws
from bench.audit.probes import RIDGE, ridge_scores
from bench.audit.rows import Verdict


def task(n: int, features: int = 20) -> tuple[torch.Tensor, torch.Tensor]:
    """Features whose strongest direction is the label."""
    generator = torch.Generator().manual_seed(n)
    label = torch.arange(n) % 2
    return torch.randn(n, features, generator=generator) + 3 * label[:, None], label


def test_the_hits_are_those_of_a_ridge_regression_per_column() -> None:
    (train_x, label), (test_x, asked) = task(200), task(100)
    answers = shuffles(label, seed=1)[:, :3]
    mean, deviation = train_x.mean(0), train_x.std(0)
    found = ((ridge_scores(train_x, answers, test_x) > 0) == (asked[:, None] == 1)).numpy()
    for column in range(3):
        y = answers[:, column].double().numpy()
        model = Ridge(alpha=RIDGE * 200).fit((train_x - mean) / deviation, y - y.mean())
        expected = (model.predict((test_x - mean) / deviation) > 0) == (asked.numpy() == 1)
        assert (found[:, column] == expected).mean() > 0.98


def test_single_shuffles_lean_and_their_mean_does_not() -> None:
    (train_x, label), (test_x, asked) = task(1_000), task(2_000)
    hits = (ridge_scores(train_x, shuffles(label, seed=0), test_x) > 0) == (asked[:, None] == 1)
    accuracies = hits.double().mean(0).numpy()
    assert accuracies.std() > 3 * 0.5 / 2_000**0.5
    assert accuracies.mean() == pytest.approx(0.5, abs=4 * accuracies.std() / len(accuracies) ** 0.5)


def test_labels_that_were_not_shuffled_are_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permuted_labels, "joined_encodings", lambda draws, pairs: encoded(pairs.label))
    draws = Draws("color", 400)
    learned, shuffled = PermutedLabels().rows(draws)
    assert learned.value == 1.0
    assert shuffled.verdict is not Verdict.LEAK
    generator = torch.Generator().manual_seed(0)
    monkeypatch.setattr(
        permuted_labels,
        "shuffles",
        lambda label, seed: torch.where(torch.rand(len(label), 50, generator=generator) < 0.6, label[:, None], 0),
    )
    _, kept = PermutedLabels().rows(draws)
    assert kept.verdict is Verdict.LEAK


def test_a_leak_that_every_shuffle_finds_whole_is_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accuracies without any spread have an interval all the same."""
    monkeypatch.setattr(permuted_labels, "joined_encodings", lambda draws, pairs: encoded(pairs.label))
    monkeypatch.setattr(permuted_labels, "shuffles", lambda label, seed: label[:, None].expand(-1, 5))
    _, kept = PermutedLabels().rows(Draws("color", 400))
    assert kept.interval == (1.0, 1.0)
    assert kept.verdict is Verdict.LEAK


def encoded(label: torch.Tensor) -> torch.Tensor:
    return torch.randn(len(label), 8, generator=torch.Generator().manual_seed(0)) + 8 * label[:, None]
