"""Where the values of a field stand on the axis of a picture of a tuning."""

from __future__ import annotations

from typing import Any

import pytest

from bench.tune.picture import _Positions
from bench.tune.space import Values


@pytest.mark.parametrize(
    ("values", "default", "order"),
    [((0.001, 0.01), 0.002, [0.001, 0.002, 0.01]), (("sgd", "adamw"), "adamw", ["sgd", "adamw"])],
)
def test_numbers_stand_by_size_and_names_as_they_are_listed(values: Any, default: Any, order: list[Any]) -> None:
    positions = _Positions(Values(values), default)
    assert [positions.of(value) for value in order] == [float(place) for place in range(len(order))]
