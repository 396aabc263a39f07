"""From where on a model overfits, told from curves that the test makes up."""

import json

import numpy as np
import pytest

from bench.training.checks import Check, overfits_from


def check(pairs: int, loss: float) -> Check:
    return Check(pairs, 100, loss, None, 0.5, 0.5, 0.5, 0.0, {"head": 1 / 3})


def watched(training: list[float], validation: list[float]) -> int | None:
    """One check per point of the curve, every 100 pairs."""
    curve = [(100 * place, loss, 0.5) for place, loss in enumerate(training, 1)]
    return overfits_from(curve, [check(100 * place, loss) for place, loss in enumerate(validation, 1)])


@pytest.mark.parametrize(
    ("training", "validation", "expected"),
    [
        ([0.7, 0.5, 0.3, 0.1, 0.05], [0.7, 0.6, 0.5, 0.7, 0.9], 300),
        ([0.7, 0.5, 0.3, 0.1, 0.05], [0.7, 0.8, 0.9, 1.0, 1.2], 100),
        ([0.7, 0.5, 0.3, 0.1, 0.05], [0.7, 0.6, 0.5, 0.4, 0.3], None),  # it still learns
        ([0.7, 0.7, 0.7, 0.7, 0.7], [0.6, 0.5, 0.7, 0.8, 0.9], None),  # training went wrong as well
        ([0.7, 0.5, 0.3, 0.1, 0.05], [0.7, 0.6, 0.5, 0.4, 0.9], None),  # one bad check is no trend
        ([0.7, 0.5, 0.3, 0.1, 0.05], [0.7, 0.6, 0.5, 0.9, 0.51], None),  # nor is one that was made good again
        ([0.1, 0.05, 0.01, 0.001], [0.001, 0.004, 0.005, 0.008], None),  # all of it is next to nothing
        ([], [], None),
    ],
)
def test_overfits_where_validation_rises_for_good_and_training_falls(
    training: list[float], validation: list[float], expected: int | None
) -> None:
    assert watched(training, validation) == expected


def test_noise_around_a_level_is_no_overfitting() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, (200, 10))
    falling = np.linspace(0.6, 0.1, 10).tolist()
    assert not [found for found in noise if watched(falling, (0.4 + found).tolist())]


def test_a_check_is_written_in_six_digits() -> None:
    written = json.loads(json.dumps(check(64, 0.123456789).as_dict()))
    assert written["loss"] == 0.123457
    assert written["gradients"] == {"head": 0.333333}
    assert written["auc"] is None
