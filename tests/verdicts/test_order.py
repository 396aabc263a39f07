import numpy as np
import pytest
from scipy import stats

from bench.records.entries import entries_of
from bench.records.load import load_runs, pool
from bench.records.sections import sections_of
from bench.verdicts.order import agreements, order_of

NOVEL = "color:shift=novel"
LEVELS = {"attention": (0.974, 0.893), "concat": (0.964, 0.88), "neg_l2": (0.917, 0.898), "cosine": (0.928, 0.921)}


@pytest.fixture
def records(record):
    rng = np.random.default_rng(0)
    return [
        record(name, seed, float(seen + rng.normal(0, 0.006)), abroad={NOVEL: float(new + rng.normal(0, 0.006))})
        for name, (seen, new) in LEVELS.items()
        for seed in range(6)
    ]


@pytest.fixture
def order(run_folder):
    def read(records, metric="accuracy"):
        (section,) = sections_of(entries_of(pool(load_runs([run_folder(records)])).cells))
        return order_of(section, metric)

    return read


def means(records, domain):
    return [np.mean([one["eval"][domain]["accuracy"] for one in records if one["fusion"] == name]) for name in LEVELS]


def test_a_reversed_order_is_seen(records, order):
    found = order(records)
    assert found.best_first["color"] == ("attention", "concat", "cosine", "neg_l2")
    assert found.best_first[NOVEL] == ("cosine", "neg_l2", "attention", "concat")
    (pair,) = found.pairs
    assert (pair.first, pair.second, found.blocks) == ("color", NOVEL, 6)
    assert pair.correlation == pytest.approx(stats.spearmanr(means(records, "color"), means(records, NOVEL)).statistic)
    assert pair.low <= pair.correlation <= pair.high < 0.5
    assert pair.ceiling > 0.9


def test_only_runs_that_all_fusions_share_count(records, order):
    broken = [one for one in records if (one["fusion"], one["seed"]) != ("concat", 2)]
    assert order(broken).blocks == 5
    broken[0]["eval"][NOVEL]["n"] = 17
    assert order(broken).blocks == 4
    assert np.isnan(order(broken).pairs[0].low)


def test_what_cannot_be_ordered_is_not(records, order, record):
    assert order(records, "p_same") is None
    assert order([one for one in records if one["fusion"] in ("concat", "cosine")]) is None
    assert order([one for one in records if one["seed"] < 2]) is None
    assert order([record(name, seed) for name in "abc" for seed in range(3)]) is None


def test_a_domain_that_some_draws_cannot_order_has_an_interval_and_a_ceiling():
    values = np.ones((2, 3, 6))
    values[0, 2, 1] = 0.99
    values[1] = np.linspace(0.5, 0.9, 3)[:, None] + 0.01 * np.arange(6)
    (pair,) = agreements(["saturated", "open"], values)
    assert pair.low <= 0 <= pair.high
    assert 0 <= pair.ceiling < 0.9


def test_a_domain_on_which_all_are_equal_orders_nothing():
    values = np.stack([np.ones((3, 6)), np.random.default_rng(0).random((3, 6))])
    (pair,) = agreements(["saturated", "open"], values)
    assert np.isnan([pair.correlation, pair.low, pair.high]).all()
    assert pair.ceiling == 0
