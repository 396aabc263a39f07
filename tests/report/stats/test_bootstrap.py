import numpy as np
import pytest
from scipy import stats

from bench.report.stats.bootstrap import bootstrap_profile, iqm, paired_bootstrap


def mean(scores):
    return scores.mean(axis=(-2, -1))


def test_the_interquartile_mean_is_a_trimmed_mean():
    scores = np.random.default_rng(0).uniform(size=(3, 4, 5))
    np.testing.assert_allclose(iqm(scores), stats.trim_mean(scores.reshape(3, -1), 0.25, axis=1))


def test_the_profile_is_the_share_of_runs_above_each_threshold():
    scores, thresholds = np.random.default_rng(1).uniform(size=(2, 3, 5)), np.linspace(0, 1, 7)
    expected = [[(fusion > threshold).mean() for threshold in thresholds] for fusion in scores]
    np.testing.assert_allclose(bootstrap_profile(scores, thresholds, draws=50).value, expected)


def test_the_interval_of_the_profile_is_that_of_counting_every_draw():
    scores, thresholds = np.random.default_rng(1).uniform(size=(4, 3, 5)), np.linspace(0, 1, 7)

    def share_above(runs):
        return (runs[..., None] > thresholds).mean(axis=(-3, -2))

    found, counted = bootstrap_profile(scores, thresholds, draws=200), paired_bootstrap(scores, share_above, draws=200)
    np.testing.assert_array_equal(found.value, counted.value)
    np.testing.assert_allclose(found.low, counted.low, atol=1e-15)
    np.testing.assert_allclose(found.high, counted.high, atol=1e-15)


def test_all_fusions_draw_the_same_seeds():
    """A fusion that is always one point better is one point better in every draw, not just on average."""
    base = np.random.default_rng(2).normal(0.9, 0.02, (1, 2, 5))
    found = paired_bootstrap(np.concatenate([base, base + 0.01]), mean)
    for ends in (found.value, found.low, found.high):
        assert ends[1] - ends[0] == pytest.approx(0.01)


def test_one_seed_has_a_value_and_no_interval():
    found = paired_bootstrap(np.full((2, 3, 1), 0.9), iqm)
    assert found.value == pytest.approx([0.9, 0.9])
    assert np.isnan(found.low).all()


@pytest.mark.parametrize(("seeds", "lowest"), [(3, 0.88), (5, 0.9), (10, 0.91)])
def test_the_interval_of_a_mean_over_five_tasks_covers_nearly_as_often_as_it_says(seeds, lowest):
    """Every fusion is one repetition; drawing the same seeds for all does not matter to each of them."""
    tasks = np.linspace(0.7, 0.95, 5)[:, None]
    scores = tasks + np.random.default_rng(seeds).normal(0, 0.02, (600, 5, seeds))
    found = paired_bootstrap(scores, mean, draws=300)
    covered = (found.low <= tasks.mean()) & (tasks.mean() <= found.high)
    assert lowest <= covered.mean() <= 0.97
