import numpy as np
import pytest

from bench.stats.components import variance_components


def test_two_factors_are_those_of_the_analysis_of_variance():
    values = np.random.default_rng(0).normal(size=(4, 7)) + np.arange(4)[:, None]
    squares = 7 * values.mean(axis=1).var(ddof=1), 4 * values.mean(axis=0).var(ddof=1)
    left = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0, keepdims=True) + values.mean()
    noise = (left**2).sum() / (3 * 6)
    found = variance_components(values, ("fusion", "seed"))
    assert found["fusion", "seed"] == pytest.approx(noise)
    assert found["fusion",] == pytest.approx((squares[0] - noise) / 7)
    assert found["seed",] == pytest.approx((squares[1] - noise) / 4)


def test_every_variance_is_found_where_it_was_put():
    rng, found = np.random.default_rng(1), []
    for _ in range(300):
        values = (
            rng.normal(0, 2, (8, 1, 1)) + rng.normal(0, 1, (1, 4, 1)) + rng.normal(0, 0.5, (1, 1, 6))
            + rng.normal(0, 0.7, (8, 4, 1)) + rng.normal(0, 1, (8, 4, 6))
        )  # fmt: skip
        found.append(variance_components(values, ("a", "b", "c")))
    mean = {source: np.mean([one[source] for one in found]) for source in found[0]}
    expected = {("a",): 4, ("b",): 1, ("c",): 0.25, ("a", "b"): 0.49, ("a", "c"): 0, ("b", "c"): 0, ("a", "b", "c"): 1}
    assert mean == {source: pytest.approx(value, abs=0.4 if value > 1 else 0.15) for source, value in expected.items()}


def test_many_levels_that_do_not_differ_have_next_to_no_variance():
    noise = np.random.default_rng(2).normal(size=(100, 40, 5))
    found = [variance_components(one, ("fusion", "seed")) for one in noise]
    assert abs(np.mean([one["fusion",] for one in found])) < 0.02
    assert np.mean([one["fusion", "seed"] for one in found]) == pytest.approx(1, abs=0.03)
