import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.stats.paired import (
    NOTHING,
    PART,
    Shared,
    all_paired,
    all_sign_flip_p,
    all_within,
    blocks_to_flip,
    mean_of,
    paired,
    sign_flip_p,
)


@given(st.integers(0, 10_000), st.integers(2, 40))
def test_interval_and_p_are_those_of_scipys_paired_t_test(seed, n):
    first, second = np.random.default_rng(seed).normal([[0.9], [0.895]], 0.01, (2, n))
    found, own = paired(first - second, confidence=0.9), stats.ttest_rel(first, second)
    expected = own.confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert (found.n, found.mean, found.p) == (n, pytest.approx((first - second).mean()), pytest.approx(own.pvalue))
    below = stats.ttest_1samp(first - second, 0.01, alternative="less").pvalue
    above = stats.ttest_1samp(first - second, -0.01, alternative="greater").pvalue
    assert all_within([found], 0.01).item() == pytest.approx(max(below, above))


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_interval_covers_and_the_test_rejects_as_often_as_they_say(n):
    rng = np.random.default_rng(n)
    differences = rng.normal(0, 0.02, (20_000, n)) - rng.normal(0, 0.01, (20_000, n))
    found = mean_of(differences)
    assert np.mean(np.abs(found.value) <= found.half_width(0.95)) == pytest.approx(0.95, abs=0.006)
    assert np.mean(found.p_apart() <= 0.05) == pytest.approx(0.05, abs=0.006)


@pytest.mark.parametrize("n", [3, 5, 10])
def test_a_difference_as_large_as_the_margin_passes_for_equivalent_in_five_percent(n):
    values = np.random.default_rng(n).normal(0.01, 0.004, (20_000, n))
    assert np.mean(mean_of(values).p_within(0.01) <= 0.05) == pytest.approx(0.05, abs=0.006)


@pytest.mark.parametrize("freedom", [4, np.inf])
def test_what_blocks_share_enters_with_its_own_degrees_of_freedom(freedom):
    values, variance = np.random.default_rng(0).normal(0.02, 0.01, 6), 2e-5
    own = values.var(ddof=1) / 6
    both = own + variance
    degrees = both**2 / (own**2 / 5 + variance**2 / freedom)
    low, high = stats.t.interval(0.95, degrees, values.mean(), np.sqrt(both))
    found = paired(values, shared=Shared(variance, freedom))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.p == pytest.approx(2 * stats.t.sf(values.mean() / np.sqrt(both), degrees))
    assert found.freedom == pytest.approx(degrees)


def test_with_what_blocks_share_the_interval_covers_again():
    """Five seeds and one test set for all: the error of the test set is the same in every block."""
    rng = np.random.default_rng(0)
    values = rng.normal(0, 0.01, (20_000, 5)) + rng.normal(0, 0.01, (20_000, 1))
    alone, both = mean_of(values), mean_of(values, Shared(0.01**2))
    assert np.mean(np.abs(alone.value) <= alone.half_width(0.95)) < 0.8
    assert np.mean(np.abs(both.value) <= both.half_width(0.95)) == pytest.approx(0.95, abs=0.01)


def test_without_spread_the_mean_is_known():
    one, none = paired(np.full(5, 0.5)), paired(np.zeros(5))
    assert (one.p, one.low, one.high, all_within([one], 0.4).item(), all_within([one], 0.6).item()) == (
        0,
        0.5,
        0.5,
        1,
        0,
    )
    assert (none.p, all_within([none], 0.01).item()) == (1, 0)
    shared = paired(np.full(5, 0.5), shared=Shared(0.04))
    assert (shared.low, shared.high) == pytest.approx(stats.norm.interval(0.95, 0.5, 0.2))


@pytest.mark.parametrize("n", [3, 5, 10])
def test_rounded_values_that_are_equal_by_chance_are_as_sure_as_if_one_were_a_step_away(n):
    step, equal = 0.01, np.full(n, 0.02)
    apart = np.array([0.03, *equal[1:]])
    found, near = paired(equal, shared=Shared(0.0, step=step)), paired(apart)
    assert found.error == pytest.approx(near.error)
    assert found.p == pytest.approx(2 * stats.t.sf(0.02 / near.error, n - 1))
    wide = np.array([0.05, *equal[1:]])
    assert paired(wide, shared=Shared(0.0, step=step)) == paired(wide)


@pytest.mark.parametrize("pairs", [100, 200])
def test_of_equal_fusions_on_few_test_pairs_few_are_called_different(pairs):
    """24 accuracies near 1, three times: of rounded differences without spread every test was sure."""
    scores = np.random.default_rng(0).binomial(pairs, 0.98, (2_000, 3, 24)) / pairs
    differences = np.moveaxis(scores[..., 1:] - scores[..., :1], 1, -1)
    sure, fair = (mean_of(differences, Shared(0.0, step=step)).p_apart().min(axis=-1) for step in (0.0, 1 / pairs))
    assert np.mean(sure <= 0.05 / 23) > 0.1
    assert np.mean(fair <= 0.05 / 23) < 0.05


def test_one_block_has_no_interval_and_none_has_nothing():
    one, none = paired(np.array([0.1])), paired(np.array([]))
    assert (one.n, one.mean) == (1, 0.1)
    assert np.isnan([one.low, one.high, one.p, all_within([one], 1).item(), none.mean, none.low, none.p]).all()


@pytest.mark.parametrize("n", [2, 5, 9])
def test_the_permutation_p_is_that_of_every_pattern_of_signs(n):
    values = np.random.default_rng(n).normal(0.5, 1, n).round(1)
    sums = [abs(np.dot(signs, values)) for signs in itertools.product((-1, 1), repeat=n)]
    assert sign_flip_p(values) == np.mean(np.array(sums) >= abs(values.sum()) - 1e-9)


def test_beyond_the_exact_range_p_is_close_to_scipys_and_always_the_same():
    values = np.random.default_rng(1).normal(0.3, 1, 40)
    own = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=20_000, rng=3)
    assert sign_flip_p(values) == pytest.approx(own.pvalue, abs=0.01)
    assert sign_flip_p(values) == sign_flip_p(values)


@pytest.mark.parametrize("n", [5, 6, 16, 200])
def test_no_pattern_is_more_extreme_than_all_differences_alike(n):
    smallest = 2 / 2**n if n <= 15 else 1 / 20_000
    assert sign_flip_p(np.full(n, 0.1)) == pytest.approx(smallest, abs=1e-4)
    assert sign_flip_p(np.zeros(n)) == 1


@pytest.mark.parametrize(("n", "size"), [(5, 0.0), (6, 2 / 64), (8, 12 / 256), (10, 0.05), (20, 0.05)])
def test_sign_flips_reject_a_true_null_as_often_as_they_say(n, size):
    """With few blocks p takes few values: the size is the largest of them below 5 %."""
    differences = np.random.default_rng(n).standard_t(5, (1000 if n > 15 else 10_000, n))
    assert np.mean(sign_flip_p(differences) <= 0.05) == pytest.approx(size, abs=0.02 if n > 15 else 0.007)


@pytest.mark.parametrize(("tests", "blocks"), [(1, 6), (3, 7), (6, 8), (10, 9), (15, 10), (21, 10), (28, 11), (66, 12)])
def test_fewer_blocks_cannot_reject_by_signs_even_where_all_differences_have_one(tests, blocks):
    assert blocks_to_flip(tests, 0.05) == blocks
    assert sign_flip_p(np.ones(blocks)) <= 0.05 / tests < sign_flip_p(np.ones(blocks - 1))


@pytest.mark.parametrize(("tests", "is_enough"), [(1_000, True), (1_001, False)])
def test_where_patterns_are_drawn_no_number_of_blocks_rejects_among_too_many(tests, is_enough):
    assert math.isfinite(blocks_to_flip(tests, 0.05)) is is_enough
    assert (sign_flip_p(np.ones(30)) <= 0.05 / tests) is np.bool_(is_enough)


def test_means_over_other_numbers_of_blocks_stand_in_the_order_asked_for_each_with_what_it_shares():
    rng = np.random.default_rng(5)
    asked = [rng.normal(0.3, 1, n) for n in (7, 4, 0, 7, 1, 4)]
    shared = [NOTHING, Shared(0.2, 9.0), NOTHING, Shared(0.1), NOTHING, NOTHING]
    found = all_paired(asked, shared)
    for one, own in zip(found, asked, strict=True):
        assert (one.n, one.mean) == (len(own), pytest.approx(own.mean() if len(own) else np.nan, nan_ok=True))
    for place in (0, 5):
        assert found[place].p == pytest.approx(stats.ttest_1samp(asked[place], 0).pvalue)
        inside = [
            stats.ttest_1samp(asked[place] + end, 0, alternative=side).pvalue
            for end, side in ((1, "greater"), (-1, "less"))
        ]
        assert all_within(found, 1)[place] == pytest.approx(max(inside))
    for place in (1, 3):
        own = asked[place].var(ddof=1) / len(asked[place]) + shared[place].variance
        assert found[place].error == pytest.approx(np.sqrt(own))
    assert np.isnan([found[place].p for place in (2, 4)]).all()


def test_sign_flips_of_many_stand_in_the_order_asked_for():
    rng = np.random.default_rng(6)
    asked = [rng.normal(0.5, 1, 3 + place % 2) for place in range(2 * PART + 3)]
    for own, p in zip(asked, all_sign_flip_p(asked), strict=True):
        sums = [abs((own * signs).sum()) for signs in itertools.product([1, -1], repeat=len(own))]
        assert p == np.mean(np.array(sums) >= abs(own.sum()) - 1e-9)
