import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats.intervals import FEWEST_SEEDS
from bench.stats.paired import mean_of
from bench.stats.power import (
    ALPHA,
    MOST_BLOCKS,
    POWER,
    blocks_to_detect,
    detectable_effect,
    t_power,
)


@pytest.mark.parametrize(("n", "tests"), [(3, 1), (5, 3), (10, 1), (10, 69), (20, 1)])
def test_an_effect_of_the_stated_size_is_found_four_times_in_five(n, tests):
    effect = detectable_effect(n - 1, tests) / np.sqrt(n)
    noise = np.random.default_rng(99).normal(effect, 1, (10_000, n))
    assert np.mean(mean_of(noise).p_apart() <= 0.05 / tests) == pytest.approx(0.8, abs=0.015)


def test_what_is_detectable_is_a_number_whatever_the_degrees_of_freedom():
    sizes = [detectable_effect(freedom, 2000) for freedom in (1.2, 2, 3.7, 10, 1e4, 1e9, np.inf)]
    assert np.isfinite(sizes).all()
    assert (np.diff(sizes) <= 0).all()


@pytest.mark.parametrize(("n", "effect"), [(5, 1.69), (8, 1.16), (10, 1.0), (20, 0.67)])
def test_the_t_test_has_the_power_of_the_tables(n, effect):
    assert t_power(n, effect) == pytest.approx(0.8, abs=0.015)


def test_blocks_needed_and_power_are_each_others_inverse():
    assert blocks_to_detect(1.0) == 10
    assert blocks_to_detect(0.5) == 34
    assert blocks_to_detect(50.0) == FEWEST_SEEDS
    assert blocks_to_detect(0.0) == 10_000


@given(st.floats(0.05, 3), st.integers(1, 200))
def test_the_blocks_needed_are_the_fewest_that_have_the_power(effect, tests):
    n = blocks_to_detect(effect, tests)
    assert n == MOST_BLOCKS or t_power(n, effect, ALPHA / tests) >= POWER
    assert n == FEWEST_SEEDS or t_power(n - 1, effect, ALPHA / tests) < POWER


def test_power_grows_with_the_blocks_and_is_always_a_number():
    # SciPy's noncentral t is no number for some of these.
    for effect in np.linspace(0.05, 3, 30):
        power = [t_power(n, effect, ALPHA / 69) for n in range(12, 6000, 31)]
        assert np.isfinite(power).all()
        assert (np.diff(power) > -1e-3).all()


def test_a_difference_of_half_a_deviation_does_not_take_thousands_of_blocks():
    # The bisection met a shift without a number, took it for too few blocks, and said 5,014.
    assert blocks_to_detect(0.56, 69) == 63
