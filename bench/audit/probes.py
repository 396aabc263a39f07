"""Probes: logistic regression and gradient boosting on tables of features of images or pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import Tensor
from torch.nn import functional as F

from bench.audit.draws import Draws, both
from bench.domain import Images, Pairs

Features = NDArray[np.float64]
Extract = Callable[[Images], Features]
TREES = 100
CHUNK = 4_096
RIDGE = 0.01


@dataclass(frozen=True)
class Question:
    """What probes are asked: features (N, F) and answers (N,) of training and test examples."""

    train_x: Features
    train_y: NDArray[np.int64]
    test_x: Features
    test_y: NDArray[np.int64]


def class_question(draws: Draws, extract: Extract) -> Question:
    """Which class does an image show? Asked of every image of both sides."""
    train, test = both(draws.train), both(draws.test)
    return Question(extract(train), train.latents["class"].numpy(), extract(test), test.latents["class"].numpy())


def label_question(draws: Draws, extract: Extract) -> Question:
    """Is a pair same? Asked of the features of both images and how they relate."""
    train, test = draws.train, draws.test
    train_a, train_b, test_a, test_b = (extract(images) for images in (train.a, train.b, test.a, test.b))
    scaler = StandardScaler().fit(np.concatenate([train_a, train_b]))
    train_x = _related(scaler.transform(train_a), scaler.transform(train_b))
    test_x = _related(scaler.transform(test_a), scaler.transform(test_b))
    return Question(train_x, train.label.numpy(), test_x, test.label.numpy())


def _related(a: Features, b: Features) -> Features:
    """Both, their differences with and without sign, and their products: (N, F) twice -> (N, 5 F)."""
    return np.concatenate([a, b, a - b, np.abs(a - b), a * b], axis=1)


def beside(question: Question, more: Question) -> Question:
    """The same examples with the features of both questions."""
    train, test = ((question.train_x, more.train_x), (question.test_x, more.test_x))
    return Question(np.concatenate(train, 1), question.train_y, np.concatenate(test, 1), question.test_y)


def additive_question(draws: Draws, extract: Extract) -> Question:
    """Is a pair same? Asked of the features of both images side by side, (N, 2 F), for probes that only add up what
    each image says."""
    sides = [np.concatenate([extract(pairs.a), extract(pairs.b)], axis=1) for pairs in (draws.train, draws.test)]
    return Question(sides[0], draws.train.label.numpy(), sides[1], draws.test.label.numpy())


def additive_probes(question: Question) -> Iterator[tuple[str, Features]]:
    """Name and :func:`added_up` of each probe that adds up what single features say: linear, or with any curve for
    each."""
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    yield "logistic regression", _added_up(linear, question)
    curves = HistGradientBoostingClassifier(max_iter=TREES, max_leaf_nodes=2, early_stopping=False, random_state=0)
    yield "boosted curves", _added_up(curves, question)


def added_up(scores: Features, label: NDArray[np.int64]) -> Features:
    """How far scores, sums of what image A and what image B says, lie on the side of their label: (N,) numbers whose
    mean is an accuracy.

    It is that of two normal distributions whose means lie as far apart, in deviations of all scores, as those of same
    and of different pairs; its straight part, which ends at .9. The mean of a sum is at chance wherever neither image
    says anything. Hits at a threshold are not: of a same pair both images score high or low together, so that a skewed
    sum lies above its median more or less often. Digits, whose files lie in order of the class, were right by that on
    41.7 to 52.9 % of 10,000 pairs, and as far off on 60,000.
    """
    scale = scores.std() * np.sqrt(2 * np.pi)
    sides = np.where(label == 1, 1.0, -1.0)
    return 0.5 + sides * (scores - scores.mean()) / scale if scale > 0 else np.full(len(scores), 0.5)


def logistic(question: Question) -> NDArray[np.bool_]:
    """Where logistic regression is right, (N,) over the test examples."""
    return _hits(make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)), question)


def boosting(question: Question) -> NDArray[np.bool_]:
    """Where gradient boosted trees are right, (N,) over the test examples; about ``TREES`` trees over all classes."""
    classes = len(np.unique(question.train_y))
    rounds = TREES if classes == 2 else max(1, TREES // classes)
    return _hits(HistGradientBoostingClassifier(max_iter=rounds, early_stopping=False, random_state=0), question)


def both_probes(question: Question) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Name and hits of each probe."""
    yield "logistic regression", logistic(question)
    yield "gradient boosting", boosting(question)


def ridge_scores(train_x: Tensor, train_y: Tensor, test_x: Tensor) -> Tensor:
    """What ridge regressions, one for each column of answers, say of test examples: above 0 for yes.

    Args:
        train_x, test_x: (N, F) and (M, F) features. train_y: (N, R) of 0 and 1.

    Returns:
        (M, R).
    """
    mean, deviation = train_x.mean(0), train_x.std(0) + 1e-6
    x, asked = (train_x - mean) / deviation, (test_x - mean) / deviation
    penalty = RIDGE * len(x) * torch.eye(x.shape[1])
    return asked @ torch.linalg.solve(x.T @ x + penalty, x.T @ (train_y - train_y.float().mean(0)))


def likeness(pairs: Pairs) -> Features:
    """How alike the two images of each pair are over all pixels, (N, 3): the mean distance, the same without the mean
    of each image, and the correlation."""
    parts = []
    for a, b in zip(pairs.a.pixels.split(CHUNK), pairs.b.pixels.split(CHUNK), strict=True):
        sides = [side.flatten(1).float() for side in (a, b)]
        level_a, level_b = (side - side.mean(1, keepdim=True) for side in sides)
        distances = [(one - other).abs().mean(1) for one, other in (sides, (level_a, level_b))]
        parts.append(torch.stack([*distances, F.cosine_similarity(level_a, level_b)], 1))
    return torch.cat(parts).double().numpy()


def distance_hits(draws: Draws) -> NDArray[np.bool_]:
    """Where a threshold on the mean distance of the pixels of A and B, set in training, is right, (N,) bool."""
    near = [(likeness(pairs)[:, 0], pairs.label.numpy() == 1) for pairs in (draws.train, draws.test)]
    (train, same), (test, asked) = near
    tried = np.quantile(train, np.linspace(0, 1, 201))
    best = max(tried, key=lambda limit: np.mean((train < limit) == same))
    return np.asarray((test < best) == asked)


def _added_up(model: Any, question: Question) -> Features:
    with threadpool_limits(torch.get_num_threads()):
        model.fit(question.train_x, question.train_y)
        return added_up(model.decision_function(question.test_x), question.test_y)


def _hits(model: Any, question: Question) -> NDArray[np.bool_]:
    # Left alone, scikit-learn takes every core whatever torch was told.
    with threadpool_limits(torch.get_num_threads()):
        model.fit(question.train_x, question.train_y)
        return np.asarray(model.predict(question.test_x) == question.test_y)
