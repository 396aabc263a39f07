"""Classifiers on encodings, and the search of their parameters."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import UsageError
from bench.probe.contract import CLASSIFIERS, Classifier
from bench.probe.search import Fitted, fit, searched
from bench.registry import Choice

RNG = np.random.default_rng(0)
LABEL = np.arange(90) % 3
VECTORS = (np.eye(6)[LABEL] + 0.2 * RNG.normal(size=(90, 6))).astype(np.float32)
FAST = {"random_forest": "random_forest:trees=8", "mlp": "mlp:epochs=60:hidden=8:lr=0.01"}


def unfitted(choice: Choice[Classifier]) -> Fitted:
    choice.build()
    return Fitted(choice, lambda x: x.astype(float))


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_a_classifier_tells_classes_that_lie_apart_and_says_the_same_again(name: str) -> None:
    choice = CLASSIFIERS.settle(FAST.get(name, name))
    scores = fit(choice, VECTORS, LABEL, 0, 1).scores(VECTORS)
    assert scores.shape == (90, 3)
    assert (scores.argmax(1) == LABEL).mean() > 0.95
    assert np.array_equal(fit(choice, VECTORS, LABEL, 0, 1).scores(VECTORS), scores)


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_a_search_stays_within_what_a_classifier_takes(name: str) -> None:
    found = searched(CLASSIFIERS.settle(name), unfitted, lambda own: 0.5, 6, 0)
    tried = [trial.classifier for trial in found.trials]
    assert tried[0] == name == str(found.choice)
    assert len(tried) == 6
    assert len(set(tried)) > 3


def test_the_best_on_validation_is_kept_the_first_of_equals() -> None:
    values = iter([0.5, 0.9, 0.7, 0.9])
    found = searched(CLASSIFIERS.settle("knn"), unfitted, lambda own: next(values), 4, 0)
    assert [trial.value for trial in found.trials] == [0.5, 0.9, 0.7, 0.9]
    assert str(found.choice) == found.trials[1].classifier


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("knn:k=0", "classifier knn: k = 0; expected more than 0"),
        ("random_forest:features=2.0", "classifier random_forest: features = 2.0; expected 0 to 1"),
        ("forest", "unknown classifier 'forest': did you mean random_forest?"),
        ("linear:depth=2", "depth"),
    ],
)
def test_bad_parameters_are_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        fit(CLASSIFIERS.settle(text), VECTORS, LABEL, 0, 1)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_more_neighbours_than_images_are_one_line() -> None:
    fitted = fit(CLASSIFIERS.settle("knn:k=91"), VECTORS, LABEL, 0, 1)
    with pytest.raises(UsageError, match="classifier knn:k=91: Expected n_neighbors <= n_samples_fit"):
        fitted.scores(VECTORS)
