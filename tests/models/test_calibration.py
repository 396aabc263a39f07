"""Probabilities from scores, against the same fit by another's hand."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from bench.models.calibration import Calibration


def test_it_is_the_logistic_regression_on_platts_targets():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 400)
    scores = (3 * rng.normal(size=400) + 20 * label - 5).astype(np.float32)
    same = label.sum()
    target = np.where(label == 1, (same + 1) / (same + 2), 1 / (400 - same + 2))
    peer = LogisticRegression(C=1e10, tol=1e-10, max_iter=10_000).fit(
        np.tile(scores, 2)[:, None].astype(float), np.repeat([1, 0], 400), np.concatenate([target, 1 - target])
    )
    found = Calibration.fitted(scores, label)
    np.testing.assert_allclose(found(scores), peer.predict_proba(scores[:, None])[:, 1], atol=2e-4)


def test_pairs_that_are_all_told_apart_get_no_certainty():
    label = np.array([0, 0, 1, 1])
    found = Calibration.fitted(np.array([-2, -1, 1, 2], dtype=np.float32), label)
    assert 0.5 < found(np.array([1.0], dtype=np.float32))[0] < 0.99


def test_one_class_or_one_score_says_nothing():
    for scores, label in ((np.zeros(4), [0, 1, 0, 1]), (np.arange(4.0), [1, 1, 1, 1])):
        found = Calibration.fitted(scores.astype(np.float32), np.array(label))
        assert found.slope == 0
