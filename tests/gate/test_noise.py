"""The decision on drops, by simulation: how often it cries wolf, and how often it catches one."""

import numpy as np
import pytest

from bench.gate.noise import dropped

CELLS, PAIRS, MARGIN = 40, 2000, 0.01
LEVELS = np.linspace(0.5, 0.98, CELLS)
STEP = np.full(CELLS, 1 / PAIRS)


def sampling_error(accuracy):
    return np.sqrt(2 * accuracy * (1 - accuracy) / PAIRS)


def reruns(rng, seeds, noise):
    """Two sweeps of the same code where the second retrained every cell along another path.

    Each test result is binomial, independently on both sides, around an accuracy that training moves by ``noise``.
    """
    sides = [
        rng.binomial(PAIRS, np.clip(LEVELS[:, None] + rng.normal(0, noise, (CELLS, seeds)), 0, 1)) / PAIRS
        for _ in range(2)
    ]
    return sides[1] - sides[0]


@pytest.mark.parametrize(("seeds", "noise"), [(3, 0.0), (2, 0.005), (3, 0.005), (5, 0.005), (10, 0.005)])
def test_fewer_than_one_rerun_of_the_same_code_in_100_raises_an_alarm(seeds, noise):
    rng = np.random.default_rng(seeds)
    error = sampling_error(LEVELS)
    alarms = sum(dropped(reruns(rng, seeds, noise), error, STEP, MARGIN).any() for _ in range(1000))
    assert alarms < 10


def test_cells_of_very_different_noise_raise_no_alarm_at_five_seeds():
    rng = np.random.default_rng(0)
    spread = np.where(np.arange(CELLS) % 10 == 0, 0.012, 0.003)[:, None]
    none = np.zeros(CELLS)
    alarms = sum(dropped(rng.normal(0, spread, (CELLS, 5)), none, none, MARGIN).any() for _ in range(1000))
    assert alarms < 10


@pytest.mark.parametrize("noise", [0.0, 0.003])
def test_a_drop_of_three_points_over_five_seeds_is_caught_nine_times_in_ten(noise):
    rng = np.random.default_rng(1)
    error, planted = sampling_error(LEVELS), 36
    caught = 0
    for _ in range(400):
        differences = reruns(rng, 5, noise)
        differences[planted] -= 0.03
        caught += dropped(differences, error, STEP, MARGIN)[planted]
    assert caught >= 0.9 * 400


def test_three_seeds_catch_five_points_where_noise_is_that_of_the_test():
    rng = np.random.default_rng(2)
    error, caught = sampling_error(LEVELS), 0
    for _ in range(200):
        differences = reruns(rng, 3, 0.003)
        differences[36] -= 0.05
        caught += dropped(differences, error, STEP, MARGIN)[36]
    assert caught >= 0.9 * 200


def test_bit_for_bit_reruns_show_the_smallest_drop_beyond_the_margin():
    differences = np.zeros((CELLS, 3))
    differences[7] = [-0.0101, -0.0102, -0.0101]
    assert np.flatnonzero(dropped(differences, np.zeros(CELLS), STEP, MARGIN)).tolist() == [7]


def test_a_broken_cell_does_not_excuse_the_others():
    rng = np.random.default_rng(3)
    differences = rng.normal(0, 0.003, (10, 3))
    differences[0] = [-0.45, -0.02, -0.30]
    differences[1] -= 0.04
    assert np.flatnonzero(dropped(differences, np.full(10, 0.005), STEP[:10], MARGIN)).tolist() == [0, 1]


@pytest.mark.parametrize(
    "drops",
    [
        [-0.05, -0.05, -0.009],  # one seed within the margin
        [-0.2, np.nan, np.nan],  # a single seed
        [0.05, 0.05, 0.05],  # a gain
        [np.nan, -0.011, -0.011],  # beyond the margin, within noise
    ],
)
def test_what_is_no_regression(drops):
    differences = np.vstack([drops, np.zeros((9, 3))])
    assert not dropped(differences, np.full(10, 0.01), STEP[:10], MARGIN).any()


def test_many_seeds_need_not_all_drop():
    rng = np.random.default_rng(4)
    differences = rng.normal(0, 0.015, (4, 20))
    differences[2] -= 0.04
    assert (differences[2] > -MARGIN).any()
    assert np.flatnonzero(dropped(differences, np.zeros(4), np.zeros(4), MARGIN)).tolist() == [2]


def test_seeds_that_lose_the_same_few_pairs_are_no_more_alike_than_rounding_tells():
    """Three of 250 pairs, in each of five seeds: the 95 % interval of their mean holds the margin."""
    differences = np.vstack([np.full(5, -3 / 250), np.zeros((9, 5))])
    error = np.full(10, np.sqrt(2 * 0.05 * 0.95 / 250))
    assert not dropped(differences, error, np.full(10, 1 / 250), MARGIN).any()
