import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats.paired import sign_flip_p
from bench.stats.power import (
    ALPHA,
    MOST_BLOCKS,
    POWER,
    blocks_to_detect,
    blocks_to_reject,
    detectable_effect,
    t_power,
)


@pytest.mark.parametrize(("tests", "blocks"), [(1, 6), (3, 7), (6, 8), (10, 9), (15, 10), (21, 10), (28, 11), (66, 12)])
def test_fewer_blocks_cannot_reject_even_where_all_differences_have_one_sign(tests, blocks):
    assert blocks_to_reject(tests) == blocks
    assert 2 / 2**blocks <= 0.05 / tests < 2 / 2 ** (blocks - 1)
    assert math.isinf(detectable_effect(blocks - 1, tests))


@pytest.mark.parametrize(("n", "tests"), [(6, 1), (8, 1), (10, 1), (10, 10), (12, 20), (20, 1)])
def test_an_effect_of_the_stated_size_is_found_four_times_in_five(n, tests):
    effect = detectable_effect(n, tests)
    noise = np.random.default_rng(99).normal(effect, 1, (1500 if n <= 15 else 500, n))
    assert np.mean(sign_flip_p(noise) <= 0.05 / tests) == pytest.approx(0.8, abs=0.045)


@pytest.mark.parametrize(("n", "effect"), [(5, 1.69), (8, 1.16), (10, 1.0), (20, 0.67)])
def test_the_t_test_has_the_power_of_the_tables(n, effect):
    assert t_power(n, effect) == pytest.approx(0.8, abs=0.015)


def test_blocks_needed_and_power_are_each_others_inverse():
    assert blocks_to_detect(1.0) == 10
    assert blocks_to_detect(0.5) == 34
    assert blocks_to_detect(5.0, tests=10) == blocks_to_reject(10)
    assert blocks_to_detect(0.0) == 10_000


@given(st.floats(0.05, 3), st.integers(1, 200))
def test_the_blocks_needed_are_the_fewest_that_have_the_power(effect, tests):
    n = blocks_to_detect(effect, tests)
    assert n == MOST_BLOCKS or t_power(n, effect, ALPHA / tests) >= POWER
    assert n == blocks_to_reject(tests) or t_power(n - 1, effect, ALPHA / tests) < POWER


def test_power_grows_with_the_blocks_and_is_always_a_number():
    # SciPy's noncentral t is no number for some of these.
    for effect in np.linspace(0.05, 3, 30):
        power = [t_power(n, effect, ALPHA / 69) for n in range(12, 6000, 31)]
        assert np.isfinite(power).all()
        assert (np.diff(power) > -1e-3).all()


def test_a_difference_of_half_a_deviation_does_not_take_thousands_of_blocks():
    # The bisection met a shift without a number, took it for too few blocks, and said 5,014.
    assert blocks_to_detect(0.56, 69) == 63
