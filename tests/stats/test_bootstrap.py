import tracemalloc

import numpy as np
import pytest
from scipy import stats

from bench.stats.bootstrap import iqm, paired_bootstrap, profile

THRESHOLDS = np.linspace(0, 1, 7)


def mean(runs, times):
    return runs @ times / len(runs)


@pytest.fixture
def samples():
    """Runs, how often each is in a sample, and the samples themselves."""
    rng = np.random.default_rng(0)
    runs, places = rng.uniform(size=13), rng.integers(13, size=(50, 13))
    return runs, np.stack([np.bincount(row, minlength=13) for row in places], axis=1), runs[places]


def test_the_interquartile_mean_is_a_trimmed_mean(samples):
    runs, times, drawn = samples
    np.testing.assert_allclose(iqm(runs, times), stats.trim_mean(drawn, 0.25, axis=1))


def test_the_profile_is_the_share_of_runs_above_each_threshold(samples):
    runs, times, drawn = samples
    expected = [[(sample > threshold).mean() for threshold in THRESHOLDS] for sample in drawn]
    np.testing.assert_allclose(profile(THRESHOLDS)(runs, times), expected)


@pytest.mark.parametrize(
    ("statistic", "plain"),
    [
        (iqm, lambda runs: stats.trim_mean(runs, 0.25)),
        (profile(THRESHOLDS), lambda runs: (runs[:, None] > THRESHOLDS).mean(axis=0)),
    ],
)
def test_the_interval_is_that_of_drawing_runs_one_by_one(statistic, plain):
    scores = np.random.default_rng(1).uniform(size=(3, 2, 5))
    found = paired_bootstrap(scores, statistic, draws=100, seed=7)
    drawn = np.random.default_rng(7).integers(5, size=(100, 2, 5))
    for fusion, value, low, high in zip(scores, found.value, found.low, found.high, strict=True):
        centre = fusion.mean(axis=1, keepdims=True)
        widened = centre + (fusion - centre) * np.sqrt(5 / 4)
        each = [plain(np.concatenate([task[at] for task, at in zip(widened, places, strict=True)])) for places in drawn]
        np.testing.assert_allclose(value, plain(fusion.reshape(-1)))
        np.testing.assert_allclose([low, high], np.quantile(each, [0.025, 0.975], axis=0))


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


def test_memory_grows_with_the_seeds_and_not_with_their_square():
    def peak(seeds):
        scores = np.random.default_rng(seeds).normal(0.9, 0.02, (1, 1, seeds))
        tracemalloc.start()
        paired_bootstrap(scores, mean, draws=20)
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held

    assert peak(2_000) < 15 * peak(200)
