"""What ``--baseline`` adds to a report: tables, conclusion, and the same numbers in every format."""

import csv
import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, roc_auc_score

from bench.errors import UsageError
from bench.report import conclusion
from bench.stats.paired import Shared
from bench.verdicts.unit import unit_of
from bench.verdicts.verdicts import Difference, judge

FORBIDDEN = ("best way", "understand", "significant", "no difference from", "proves", "learned the")


@pytest.fixture
def sweep_of(record):
    """Records of fusions at levels, with a spread between seeds that they share."""

    def make(levels, seeds=12, sd=0.004, **fields):
        rng = np.random.default_rng(0)
        shared = rng.normal(0, 0.02, seeds)
        return [
            record(fusion, seed, float(level + shared[seed] + rng.normal(0, sd)), **fields)
            for fusion, level in levels.items()
            for seed in range(seeds)
        ]

    return make


@pytest.fixture
def text_of(run_folder, bench_report):
    return lambda records, *options: bench_report(run_folder(records), *options).stdout


def one_line(text):
    return " ".join(text.split())


def compared(rows):
    return next(table for table in rows if "verdict" in table[0])


LEVELS = {"concat": 0.8, "up": 0.85, "down": 0.7, "twin": 0.8}


def test_every_number_of_the_comparison_can_be_recomputed(sweep_of, text_of, tables):
    records = sweep_of(LEVELS)
    rows = {row["fusion"]: row for row in compared(tables(text_of(records, "--baseline", "concat")))}
    flat = pd.DataFrame({"fusion": r["fusion"], "seed": r["seed"], **r["eval"]["color"]} for r in records)
    wide = 100 * flat.pivot_table(index="seed", columns="fusion", values="accuracy")
    assert set(rows) == {"up", "down", "twin"}
    p = {}
    for name, row in rows.items():
        difference = wide[name] - wide["concat"]
        low, high = stats.ttest_rel(wide[name], wide["concat"]).confidence_interval(0.95)
        assert row["difference, points"] == f"{difference.mean():+.2f}"
        assert row["95 % interval"] == f"{low:+.2f} to {high:+.2f}"
        wilson = stats.binomtest(int((difference > 0).sum()), 12).proportion_ci(method="wilson")
        assert row["P(better)"] == f"{(difference > 0).mean():.2f} ({wilson.low:.2f} to {wilson.high:.2f})"
        p[name] = stats.ttest_rel(wide[name], wide["concat"]).pvalue
    adjusted = dict(zip(sorted(p, key=p.get), (3, 2, 1), strict=True))
    assert rows["up"]["p (Holm)"] == rows["down"]["p (Holm)"] == "< 0.001"
    assert float(rows["twin"]["p (Holm)"]) == pytest.approx(min(1, p["twin"] * adjusted["twin"]), abs=6e-4)


def test_the_metrics_of_a_table_are_those_of_scikit_learn_on_the_scores_behind_them(record, metrics, text_of, tables):
    """A table is no further from the raw scores than two means: metrics per seed, then over seeds."""
    rng, expected, records = np.random.default_rng(0), {}, []
    for fusion, separation in {"concat": 1.0, "up": 2.0}.items():
        values = []
        for seed in range(6):
            label = np.arange(400) % 2
            scores = rng.normal(separation * (label - 0.5), 1)
            values.append((accuracy_score(label, scores > 0), roc_auc_score(label, scores)))
            measured = metrics(float(values[-1][0]), auc=float(values[-1][1]), n=400)
            records.append(record(fusion, seed, eval={"color": measured}))
        expected[fusion] = np.mean(values, axis=0)
    found = tables(text_of(records, "--baseline", "concat", "--metric", "auc,accuracy"))
    for row in found[0]:
        accuracy, auc = expected[row["fusion"]]
        assert row["accuracy ↑"].strip("*").split()[0] == f"{accuracy:.3f}"
        assert row["auc ↑"].strip("*").split()[0] == f"{auc:.3f}"
    (row,) = compared(found)
    assert row["difference, points"] == f"{100 * (expected['up'] - expected['concat'])[1]:+.2f}"


def test_with_fewer_than_three_seeds_nobody_is_said_to_be_the_best(sweep_of, text_of):
    text = one_line(text_of(sweep_of(LEVELS, seeds=2), "--baseline", "concat"))
    assert "## Conclusion accuracy, trained on color: concat" in text
    assert "Not worse than the best" not in text
    assert "Nothing is inferred about" in text


def test_the_conclusion_says_each_verdict_with_its_size(sweep_of, text_of):
    text = one_line(text_of(sweep_of(LEVELS), "--baseline", "concat"))
    assert re.match(
        r"## Conclusion Not worse than the best: up\. accuracy, trained on color: concat 0\.\d{3}\. Better", text
    )
    assert re.search(
        r"Better than concat, ahead on these data: up by [45]\.\d\d points \(95 % interval 4\.\d\d to", text
    )
    assert re.search(
        r"Worse than concat, behind on these data: down by (9|10)\.\d\d points \(95 % interval 9\.\d\d to", text
    )
    assert "No difference larger than 1 point from concat: twin." in text
    assert "not of other images" in text


@pytest.mark.parametrize("seeds", [2, 3, 12])
def test_the_conclusion_never_claims_what_a_benchmark_cannot(sweep_of, text_of, seeds):
    text = text_of(sweep_of(LEVELS, seeds, sd=0.02), "--baseline", "concat").partition("\n## Trained")[0]
    scope = one_line(text).replace("not of what a network has understood", "")
    assert not [words for words in FORBIDDEN if words in scope]
    if seeds < 3:
        assert "Better" not in text
        assert "Worse" not in text


def test_too_few_seeds_are_refused_with_how_many_it_takes(sweep_of, text_of):
    text = one_line(text_of(sweep_of(LEVELS, seeds=2), "--baseline", "concat"))
    assert "2 shared seeds, it takes 3 to infer anything. To find 1 point" in text
    assert re.search(r"To find 1 point 4 times in 5 would take about [\d,]+ seeds\.", text)


def test_few_seeds_are_told_what_the_sign_flip_test_cannot_check(sweep_of, text_of):
    text = one_line(text_of(sweep_of(LEVELS, seeds=5), "--baseline", "concat"))
    assert "Not checked by the sign-flip test: with 5 seeds it cannot reject among 3 comparisons, 7 could." in text
    assert "sign-flip" not in text_of(sweep_of(LEVELS, seeds=7), "--baseline", "concat")


@pytest.mark.parametrize("form", ["md", "tex", "json"])
def test_where_the_sign_flip_test_disagrees_is_marked(record, text_of, form):
    wild = [0.02, 0.021, 0.019, 0.022, 0.018, 0.02, 0.021, 0.19]
    records = [
        record(name, seed, 0.6 + 0.01 * seed + (wild[seed] if name == "wild" else 0))
        for name in ("concat", "wild")
        for seed in range(8)
    ]
    text = text_of(records, "--baseline", "concat", "--format", form)
    assert "? the sign-flip test, which takes no noise for normal, says otherwise" in one_line(text)
    assert '"disputed": true' in text if form == "json" else "inconclusive ?" in text


def test_each_domain_tested_on_is_a_family_of_its_own(record, text_of, tables):
    records = [
        record(name, seed, 0.8 + 0.001 * seed, abroad={"texture": 0.6 + gain + 0.001 * seed})
        for name, gain in {"concat": 0, "up": 0.1}.items()
        for seed in range(8)
    ]
    text = text_of(records, "--baseline", "concat")
    assert "### Compared with concat on color" in text
    assert "### Compared with concat on texture" in text
    words = [table[0]["verdict"] for table in tables(text) if "verdict" in table[0]]
    assert words == ["equivalent", "better"]


def test_several_backbones_are_told_apart_and_their_interaction_is_named(sweep_of, text_of, tables):
    records = [*sweep_of(LEVELS, backbone="x"), *sweep_of({**LEVELS, "up": 0.7, "down": 0.85}, backbone="y")]
    text = text_of(records, "--baseline", "concat")
    assert [(row["backbone"], row["verdict"]) for row in compared(tables(text)) if row["fusion"] == "up"] == [
        ("x", "better"),
        ("y", "worse"),
    ]
    assert re.search(r"with which fusion meets which backbone, and the rest with the seed", one_line(text))


def test_all_formats_tell_the_same(sweep_of, text_of):
    records = sweep_of(LEVELS)
    content = json.loads(text_of(records, "--baseline", "concat", "--format", "json"))
    (comparison,) = content["sections"][0]["comparisons"]
    rows = list(csv.DictReader(io.StringIO(text_of(records, "--baseline", "concat", "--format", "csv"))))
    from_csv = {row["fusion"]: row for row in rows if row["verdict"]}
    assert [row["verdict"] for row in rows if row["fusion"] == "concat"] == [""]
    for found in comparison["fusions"]:
        row = from_csv[found["fusion"]]
        assert (row["verdict"], float(row["difference"])) == (found["verdict"], found["difference"])
    assert content["sections"][0]["conclusion"][0].startswith("Not worse than the best: up. accuracy, trained on color")


def test_the_leaderboard_beside_the_records_never_depends_on_a_baseline(sweep_of, run_folder, bench_report):
    folder = run_folder(sweep_of(LEVELS))
    bench_report(folder)
    plain = (folder / "leaderboard.csv").read_text()
    bench_report(folder, "--baseline", "concat")
    assert (folder / "leaderboard.csv").read_text() == plain


def test_a_baseline_that_is_not_there_is_explained(sweep_of, text_of, record):
    records = [*sweep_of(LEVELS, seeds=2), record("single_image", family="control")]
    with pytest.raises(UsageError, match=r"--baseline: unknown 'conct'; did you mean 'concat'.*allowed: concat, down"):
        text_of(records, "--baseline", "conct")
    with pytest.raises(UsageError, match="unknown 'single_image'"):
        text_of(records, "--baseline", "single_image")


def test_a_section_without_the_baseline_says_so(sweep_of, text_of):
    records = [*sweep_of(LEVELS), *sweep_of({"up": 0.8}, protocol="frozen")]
    text = one_line(text_of(records, "--baseline", "concat"))
    assert "frozen · warm-up names Nothing to compare with concat." in text


def test_more_seeds_are_not_promised_to_see_through_shared_test_pairs():
    values = np.array([0.004, 0.012, -0.003, 0.009, 0.006])
    comparison = SimpleNamespace(margin=0.01, unit=unit_of("accuracy"), repeats="seed", verdicts=[0])
    told = {
        sd: conclusion._to_see_the_margin(comparison, judge([Difference("a", "x", values, Shared(sd**2))], 1, 0.01))
        for sd in (0.0, 0.002, 0.02)
    }
    seeds = [int(re.search(r"about (\d+) seeds", told[sd])[1]) for sd in (0.0, 0.002)]
    assert seeds[0] < seeds[1]
    assert told[0.02].startswith("More seeds alone would not find 1 point 4 times in 5")
