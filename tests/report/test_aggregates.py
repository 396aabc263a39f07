"""Ranks, IQM, profiles and failure rates as a reader of ``--baseline`` sees them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats


@pytest.fixture
def block(run_folder, bench_report, tables):
    """Text below the heading ``Ranks``, and its table if there is one."""

    def read(records):
        text = bench_report(run_folder(records), "--baseline", "concat").stdout
        part = text.partition("### Ranks\n")[2].partition("\n#")[0]
        found = tables(part)
        return " ".join(part.split()), {row["fusion"]: row for row in found[0]} if found else {}

    return read


@pytest.fixture
def sweep_of(record):
    def make(fusions, seeds):
        rng = np.random.default_rng(seeds)
        return [
            record(fusion, seed, float(rng.uniform(0.7, 0.95)), abroad={"texture": float(rng.uniform(0.6, 0.95))})
            for fusion in fusions
            for seed in range(seeds)
        ]

    return make


def test_every_number_can_be_recomputed(sweep_of, block):
    records = sweep_of(["concat", "a", "b"], 10)
    text, rows = block(records)
    flat = pd.DataFrame(
        {"fusion": record["fusion"], "seed": record["seed"], "domain": domain, "accuracy": metrics["accuracy"]}
        for record in records
        for domain, metrics in record["eval"].items()
    )
    home = flat[flat.domain == "color"].pivot_table(index="seed", columns="fusion", values="accuracy")
    for fusion, row in rows.items():
        runs = flat[flat.fusion == fusion].accuracy
        assert row["mean rank"] == f"{home.rank(axis=1, ascending=False)[fusion].mean():.2f}"
        assert row["IQM"].split()[0] == f"{stats.trim_mean(runs, 0.25):.3f}"
        assert row["above 0.75"].split()[0] == f"{(runs > 0.75).mean():.2f}"
        assert row["worst run"] == f"{runs.min():.3f}"
    assert set(rows) == {"concat", "a", "b"}
    assert f"p = {stats.friedmanchisquare(*home.to_numpy().T).pvalue:.3f} (Friedman)" in text
    assert "Mean ranks closer than 1.05 are not told apart" in text


def test_below_ten_seeds_there_is_a_sentence_in_place_of_a_critical_difference(sweep_of, block):
    text, _ = block(sweep_of(["concat", "a", "b"], 6))
    assert "No critical difference: 6 blocks that all fusions finished, it takes 10." in text


def test_below_five_seeds_nothing_is_ranked(sweep_of, block):
    assert block(sweep_of(["concat", "a"], 4)) == (
        "None: 2 of 2 fusions finished all of 4 seeds; it takes 2 fusions and 5 seeds.",
        {},
    )


def test_a_fusion_that_misses_a_seed_is_named_and_does_not_cost_the_others_theirs(sweep_of, block, record):
    records = sweep_of(["concat", "a", "b"], 6)[:-1]
    text, rows = block([*records, record("b", 5, status="diverged")])
    assert set(rows) == {"concat", "a"}
    assert "Not ranked, for they miss a seed that others finished: b." in text
    assert rows["a"]["failed"].startswith("0.00 (0.00 to 0.39")
