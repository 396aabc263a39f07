"""What a point of the learning curve is made of."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import DivergedError
from bench.training.curve import CURVE_POINTS, Window

finite = st.floats(-100, 100, width=32)


def filled(losses: list[list[float]], norms: list[list[float]] | None = None) -> Window:
    window = Window(every=len(losses))
    for loss, norm in zip(losses, norms or losses, strict=True):
        window.add(torch.tensor(loss), torch.tensor(norm), torch.tensor(loss) / 2)
    return window


@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(finite, min_size=n, max_size=n), min_size=1, max_size=6)))
def test_every_learner_has_the_mean_of_its_own_steps(losses: list[list[float]]) -> None:
    window = filled(losses)
    assert window.full
    for point, own in zip(window.close(7), zip(*losses, strict=True), strict=True):
        assert point == pytest.approx((sum(own) / len(own), sum(own) / len(own) / 2), abs=1e-4)
    assert not window.full


def test_one_learner_without_a_dimension_of_its_own() -> None:
    window = Window(every=2)
    for loss in (1.0, 2.0):
        window.add(torch.tensor(loss), torch.tensor(1.0), torch.tensor(0.5))
    assert window.close(2) == [(1.5, 0.5)]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_said_of_the_learner_it_happened_to(bad: float) -> None:
    first, second, third = filled([[1, bad, 1], [1, 1, 1]], [[1, 1, 1], [1, 1, bad]]).close(9)
    assert first == (1, 0.5)
    assert isinstance(second, DivergedError)
    assert isinstance(third, DivergedError)
    assert str(second) == "the loss is not finite within 2 steps up to step 9"
    assert str(third) == "the gradient is not finite within 2 steps up to step 9"


@given(st.integers(1, 1000))
def test_a_curve_has_no_more_points_than_it_should(steps: int) -> None:
    assert -(-steps // Window.of(steps).every) <= CURVE_POINTS
