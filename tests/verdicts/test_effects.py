import numpy as np
import pytest

from bench.records.entries import entries_of
from bench.records.load import load_runs, pool
from bench.verdicts.effects import effects_of


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
    found = effects_of(entries(run_folder([*records, alone])), ["color"], "accuracy")
    assert found.levels == {"fusion": 2, "backbone": 2, "seed": 2}
    # Fusions are .02 apart, seeds .01, and nothing else varies.
    assert found.variances["fusion"] == pytest.approx(0.02**2 / 2)
    assert found.variances["seed"] == pytest.approx(0.01**2 / 2)
    assert sum(found.variances.values()) == pytest.approx((0.02**2 + 0.01**2) / 2)
    assert found.reliability == pytest.approx(1)
    assert effects_of(entries(run_folder([record("a"), record("b")], "one")), ["color"], "accuracy") is None


def test_seeds_of_which_one_fusion_started_elsewhere_do_not_count(run_folder, record):
    records = [
        record(fusion, seed, 0.9, backbone=backbone) for fusion in "ab" for backbone in ("x", "y") for seed in range(4)
    ]
    records[0]["warmup"] = {**records[0]["warmup"], "quality": 0.7}
    assert effects_of(entries(run_folder(records)), ["color"], "accuracy").seeds == 3


def test_domains_and_warmups_are_factors_where_there_are_several(run_folder, record):
    rng = np.random.default_rng(0)
    level, meets = {"a": 0.8, "b": 0.85, "c": 0.9}, {"a": 0.05, "b": 0.0, "c": -0.05}
    records = [
        record(
            fusion,
            seed,
            float(level[fusion] + 0.01 * warm + rng.normal(0, 0.001)),
            abroad={"texture": float(level[fusion] + meets[fusion] - 0.2 + rng.normal(0, 0.001))},
            warmup={"task": "names", "seed": warm, "quality": 0.8 + 0.1 * warm},
            key=f"{fusion}-{seed}-{warm}",
        )
        for fusion in level
        for seed in range(5)
        for warm in (0, 1)
    ]
    found = entries(run_folder(records))
    over = effects_of([one for one in found if one.group.warmup_seed == 0], ["color", "texture"], "accuracy")
    assert over.levels == {"fusion": 3, "domain": 2, "seed": 5}
    # The differences between the domains are .25, .2 and .15: half their variance, and half the square of their mean.
    assert over.variances["fusion x domain"] == pytest.approx(0.05**2 / 2, rel=0.1)
    rest = over.variances["fusion x domain"] / 2 + over.variances["fusion x seed"] / 5
    assert over.reliability == pytest.approx(over.variances["fusion"] / (over.variances["fusion"] + rest))
    assert over.variances["domain"] == pytest.approx(0.2**2 / 2, rel=0.1)
    warm = effects_of(found, ["color"], "accuracy")
    assert warm.levels == {"fusion": 3, "warm-up": 2, "seed": 5}
    assert warm.variances["warm-up"] == pytest.approx(0.01**2 / 2, rel=0.2)


def test_the_reliability_is_the_intraclass_correlation_of_means(run_folder, record):
    values = 0.8 + np.random.default_rng(3).normal(0, 0.02, (4, 6)) + np.linspace(0, 0.05, 4)[:, None]
    records = [record(f"f{i}", seed, float(value)) for i, row in enumerate(values) for seed, value in enumerate(row)]
    left = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    noise, between = (left**2).sum() / 15, 6 * values.mean(axis=1).var(ddof=1)
    # ICC(C, k) of McGraw and Wong, 1996.
    found = effects_of(entries(run_folder(records)), ["color"], "accuracy")
    assert found.reliability == pytest.approx((between - noise) / between)
