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

from bench.audit.draws import Draws, both
from bench.domain import Images

Features = NDArray[np.float64]
Extract = Callable[[Images], Features]
TREES = 100


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


def _hits(model: Any, question: Question) -> NDArray[np.bool_]:
    # Left alone, scikit-learn takes every core whatever torch was told.
    with threadpool_limits(torch.get_num_threads()):
        model.fit(question.train_x, question.train_y)
        return np.asarray(model.predict(question.test_x) == question.test_y)
