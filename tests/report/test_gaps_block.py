"""The block of gaps: what every format says of what fusions lose on other domains."""

import json

import numpy as np
import pytest
from scipy import stats

NOVEL = "color:shift=novel"
LOSS = {"concat": 0.08, "neg_l2": 0.02, "cosine": 0.0}


@pytest.fixture
def records(record):
    rng = np.random.default_rng(0)
    return [
        record(name, seed, 0.9, abroad={NOVEL: float(0.9 - loss + rng.normal(0, 0.002))})
        for name, loss in LOSS.items()
        for seed in range(5)
    ]


def block(text):
    return text.partition("\n### Gaps\n")[2].partition("\n## ")[0]


def test_the_block_shows_gaps_with_intervals_and_signs(records, run_folder, bench_report, tables):
    own, against = tables(block(bench_report(run_folder(records), "--baseline", "concat").stdout))[0]
    assert (own["gap"], against["gap"]) == ("novel", "novel - concat's")
    for name in LOSS:
        values = 100 * (np.array([one["eval"][NOVEL]["accuracy"] for one in records if one["fusion"] == name]) - 0.9)
        half = stats.t.ppf(0.975, 4) * stats.sem(values)
        sign = "≈" if name == "cosine" else "▼"
        assert own[name] == f"{values.mean():+.2f} ± {half:.2f} {sign}"
    assert against["concat"] == "-"
    assert against["cosine"].endswith("▲")
    (plain,) = tables(block(bench_report(run_folder(records)).stdout))[0]
    assert plain == own


def test_json_holds_every_verdict_on_gaps(records, run_folder, bench_report):
    (section,) = json.loads(bench_report(run_folder(records), "--format", "json", "--baseline", "concat").stdout)[
        "sections"
    ]
    (gap,) = section["gaps"]
    assert (gap["gap"], gap["domains"], gap["baseline"]) == ("novel", [[NOVEL, "color"]], "concat")
    assert {one["fusion"]: one["verdict"] for one in gap["fusions"]} == {
        "concat": "worse", "neg_l2": "worse", "cosine": "equivalent",
    }  # fmt: skip
    assert [(one["fusion"], one["verdict"]) for one in gap["against_baseline"]] == [
        ("cosine", "better"), ("neg_l2", "better"),
    ]  # fmt: skip


def test_two_seeds_have_no_block(records, run_folder, bench_report):
    few = [one for one in records if one["seed"] < 2]
    assert "### Gaps" not in bench_report(run_folder(few)).stdout
