import numpy as np
import pytest

from bench.records.entries import entries_of
from bench.records.load import load_runs, pool
from bench.verdicts.effects import effects_of, variance_shares


def test_each_source_of_variance_is_found_where_it_was_put():
    fusion, backbone = np.array([0.0, 0.1, 0.2])[:, None, None], np.array([0.0, 0.3])[None, :, None]
    seeds = np.zeros((3, 2, 4))
    assert variance_shares(fusion + seeds)["fusion"] == pytest.approx(1)
    assert variance_shares(backbone + seeds)["backbone"] == pytest.approx(1)
    crossed = np.array([[0.1, -0.1], [-0.1, 0.1]])[:, :, None] + np.zeros((2, 2, 4))
    assert variance_shares(crossed)["fusion x backbone"] == pytest.approx(1)
    noise = np.random.default_rng(0).normal(size=(3, 2, 50))
    assert variance_shares(noise)["seeds"] > 0.95
    assert np.isnan(variance_shares(seeds)["fusion"])


def test_shares_are_those_of_a_regression_on_indicators_less_what_chance_adds():
    values = np.random.default_rng(1).normal(size=(3, 2, 4)) + np.arange(3)[:, None, None]
    fusion, backbone, _ = (axis.ravel() for axis in np.indices(values.shape))

    def left(*columns):
        design = np.stack([np.ones(values.size), *columns], axis=1).astype(float)
        fit = design @ np.linalg.lstsq(design, values.ravel(), rcond=None)[0]
        return ((values.ravel() - fit) ** 2).sum()

    fusions, backbones = [fusion == 1, fusion == 2], [backbone == 1]
    cells = [(fusion == i) & (backbone == j) for i in range(3) for j in range(2)]
    noise = left(*cells) / 18
    both = left(*fusions, *backbones)
    expected = {
        "fusion": left() - left(*fusions) - 2 * noise,
        "backbone": left(*fusions) - both - noise,
        "fusion x backbone": both - left(*cells) - 2 * noise,
    }
    shares = variance_shares(values)
    for name, squares in expected.items():
        assert shares[name] == pytest.approx(max(0, squares / (left() + noise))), name
    assert sum(shares.values()) == pytest.approx(1)


def test_many_fusions_that_do_not_differ_have_next_to_no_share():
    noise = np.random.default_rng(2).normal(size=(200, 40, 2, 5))
    shares = [variance_shares(one) for one in noise]
    assert np.mean([one["fusion"] for one in shares]) < 0.03
    assert np.mean([one["fusion x backbone"] for one in shares]) < 0.03


def entries(folder):
    return entries_of(pool(load_runs([folder])).cells)


def test_only_seeds_and_fusions_that_fill_the_table_count(run_folder, record):
    records = [
        record(fusion, seed, 0.9 + 0.01 * seed + 0.02 * (fusion == "b"), backbone=backbone)
        for fusion in "ab"
        for backbone in ("x", "y")
        for seed in range(3)
        if (fusion, backbone, seed) != ("b", "y", 2)
    ]
    alone = record("c", 0, 0.9, backbone="x")
    found = effects_of(entries(run_folder([*records, alone])), "color", "accuracy")
    assert (found.fusions, found.backbones, found.seeds) == (("a", "b"), ("x", "y"), 2)
    np.testing.assert_allclose(found.means, [[0.905, 0.905], [0.925, 0.925]])
    assert effects_of(entries(run_folder([record("a"), record("b")], "one")), "color", "accuracy") is None


def test_seeds_of_which_one_fusion_started_elsewhere_do_not_count(run_folder, record):
    records = [
        record(fusion, seed, 0.9, backbone=backbone) for fusion in "ab" for backbone in ("x", "y") for seed in range(4)
    ]
    records[0]["warmup"] = {**records[0]["warmup"], "quality": 0.7}
    assert effects_of(entries(run_folder(records)), "color", "accuracy").seeds == 3
