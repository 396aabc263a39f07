import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.stats import ties
from bench.stats.ties import tie_group

NAN = np.nan


def by_pairs(values, direction):
    """The definition, test by test."""
    known = [row for row in range(values.shape[1]) if not np.isnan(values[:, row]).all()]

    def beats(one, other):
        both = ~np.isnan(values[:, [one, other]]).any(axis=1)
        if both.sum() < 2:
            return False
        found = stats.ttest_rel(direction * values[both, one], direction * values[both, other], alternative="greater")
        return found.pvalue < 0.05 / (len(known) - 1)

    return [row in known and not any(beats(one, row) for one in known if one != row) for row in range(values.shape[1])]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000), st.integers(2, 9), st.sampled_from([1, -1]), st.sampled_from([0, 0.1]),
    st.sampled_from([1, 2, 64]), st.sampled_from([0, 0.05]),
)  # fmt: skip
def test_who_belongs_is_what_scipys_paired_tests_say(seed, rows, direction, missing, part, apart):
    rng = np.random.default_rng(seed)
    level = rng.permutation(np.linspace(0.9 - apart, 0.9, rows))
    values = rng.normal(0, 0.01, (6, rows)) + rng.normal(0, 0.1, (6, 1)) + level
    values[rng.random(values.shape) < missing] = NAN
    values[:2] = np.nan_to_num(values[:2], nan=0.87)  # two blocks of all: who has one alone is another test
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ties, "PART", part)
        assert tie_group(values, direction).tolist() == by_pairs(values, direction)


def test_parts_make_no_difference(monkeypatch):
    values = np.random.default_rng(0).normal(0, 0.01, (5, 9)) + np.linspace(0.8, 0.9, 9)
    whole = tie_group(values, 1)
    monkeypatch.setattr(ties, "PART", 2)
    assert tie_group(values, 1).tolist() == whole.tolist() == by_pairs(values, 1)


@pytest.mark.parametrize("part", [1, 2, 64])
def test_rows_in_parts_keep_the_variances_that_are_theirs(monkeypatch, part):
    values = np.random.default_rng(3).normal(0, 0.002, (6, 9)) + np.linspace(0.8, 0.9, 9)
    unsure = [0, 3, 4]
    shared = np.zeros((9, 9))
    shared[unsure] = shared[:, unsure] = 0.1
    monkeypatch.setattr(ties, "PART", part)
    assert np.flatnonzero(tie_group(values, 1, shared)).tolist() == [*unsure, 8]


def test_the_best_of_equals_on_few_test_pairs_stays():
    scores = np.random.default_rng(0).binomial(100, 0.98, (1_000, 3, 24)) / 100
    lost, kept = (np.mean([not tie_group(one, 1, step=step)[0] for one in scores]) for step in (0.0, 0.01))
    assert lost > 0.1
    assert kept < 0.05


@pytest.mark.parametrize("n", [3, 10])
def test_the_truly_best_is_lost_in_at_most_five_percent(n):
    rng = np.random.default_rng(n)
    level = np.array([0.9, 0.9, 0.899, 0.89, 0.8])
    samples = level + rng.normal(0, 0.05, (2000, n, 1)) + rng.normal(0, 0.01, (2000, n, 5))
    groups = np.array([tie_group(one, 1) for one in samples])
    assert groups[:, 0].mean() >= 0.95 - 0.01
    assert groups[:, 4].mean() < (0.5 if n == 3 else 0.01)


@pytest.mark.parametrize(
    ("values", "direction", "expected"),
    [
        ([[0.95, 0.95, 0.949]], 1, [True, True, False]),
        ([[0.05, 0.07]], -1, [True, False]),
        # No spread: a difference is a difference, and none is none.
        ([[0.9, 0.8, 0.9], [0.7, 0.6, 0.7], [0.8, 0.7, 0.8]], 1, [True, False, True]),
        # A single block can neither show that others are worse nor be shown to be.
        ([[0.9, 0.99], [0.8, NAN], [0.85, NAN]], 1, [True, True]),
        ([[0.9, 0.8], [0.8, NAN], [0.85, NAN]], 1, [True, False]),
        # Without a shared block two cannot be told apart.
        ([[0.9, NAN], [0.91, NAN], [NAN, 0.5], [NAN, 0.51]], 1, [True, True]),
        ([[NAN, 0.9]], 1, [False, True]),
        ([[NAN, NAN]], 1, [False, False]),
        ([[0.1, 0.2], [0.1, 0.2]], 0, [False, False]),
    ],
)
def test_where_there_is_little_to_test(values, direction, expected):
    assert tie_group(np.array(values), direction).tolist() == expected


def test_a_variance_that_blocks_share_makes_the_group_larger():
    values = np.array([0.9, 0.89]) + np.random.default_rng(0).normal(0, 0.001, (8, 2))
    assert tie_group(values, 1).tolist() == [True, False]
    assert tie_group(values, 1, 0.01**2).tolist() == [True, True]
    assert tie_group(values, 1, np.full((2, 2), 1e-8)).tolist() == [True, False]


def test_a_shared_variance_that_was_estimated_from_little_beats_less_surely() -> None:
    values = np.array([[0.80, 0.90], [0.801, 0.90], [0.799, 0.90], [0.80, 0.901]])
    lead = 0.1 / 0.05
    assert tie_group(values, 1, 0.05**2).tolist() == [False, True]
    assert stats.t.sf(lead, 3) > 0.05
    assert tie_group(values, 1, 0.05**2, 3.0).tolist() == [True, True]
