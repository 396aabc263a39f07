"""References stand apart, and fusion efficiency is measured by one of them."""

import json

import pandas as pd
import pytest
from scipy import stats

CONTROL = {"family": "control"}
REFERENCE = {"family": "reference"}


@pytest.fixture
def markdown(run_folder, bench_report):
    return lambda records, *options: bench_report(run_folder(records), *options).stdout


@pytest.fixture
def board(run_folder, bench_report):
    def read(records):
        folder = run_folder(records)
        bench_report(folder)
        return pd.read_csv(folder / "leaderboard.csv")

    return read


def one_line(text):
    return " ".join(text.split())


def test_references_come_first_in_the_block_apart_whatever_their_scores(record, markdown, tables):
    records = [
        record("a", accuracy=0.8),
        record("k", accuracy=0.51, **CONTROL),
        record("template_oracle", accuracy=0.99, **REFERENCE),
        record("name_then_xnor", accuracy=0.7, **REFERENCE),
        record("mask_oracle", accuracy=0.9, **REFERENCE),
        record("a_bound", accuracy=0.5, **REFERENCE),
    ]
    text = markdown(records)
    main, apart = tables(text)
    assert [(row["fusion"], row["accuracy ↑"]) for row in main] == [("a", "**0.800**")]
    names = ["name_then_xnor", "mask_oracle", "template_oracle", "a_bound", "k", "chance"]
    assert [row["fusion"] for row in apart] == names
    assert not any("**" in cell for row in apart for cell in row.values())
    assert "efficiency" not in apart[0]


def test_what_the_references_know_is_told_of_those_that_are_there(record, markdown):
    some = one_line(markdown([record(), record("mask_oracle", **REFERENCE)]))
    assert (
        "References know more than a fusion and are not ranked: mask_oracle sees the true mask of each figure." in some
    )
    assert "names of the shapes" not in some
    parametrised = one_line(markdown([record(), record("name_then_xnor:soft=true", **REFERENCE)]))
    assert "name_then_xnor is trained on the names of the shapes (stronger supervision)" in parametrised
    assert "References know more" not in markdown([record(), record("k", **CONTROL)])


def test_a_record_says_itself_what_it_is_and_knows(record, markdown, tables):
    oracle = record("my_oracle", role="reference", knows="sees the label", family="mine")
    text = markdown(
        [
            record(),
            oracle,
            record("mask_oracle", **REFERENCE),
            record("noise", role="control", family="mine", accuracy=0.5),
        ]
    )
    told = "not ranked: mask_oracle sees the true mask of each figure; my_oracle sees the label."
    assert told in one_line(text)
    main, apart = tables(text)
    assert [row["fusion"] for row in main] == ["abs_diff"]
    assert [row["fusion"] for row in apart] == ["mask_oracle", "my_oracle", "noise", "chance"]


def test_a_table_without_fusions_says_what_there_is_instead(record, markdown):
    assert "Only references here." in markdown([record("mask_oracle", **REFERENCE)])
    both = markdown([record("mask_oracle", **REFERENCE), record("k", **CONTROL)])
    assert "Only references and controls here." in both


def test_seeds_of_references_say_nothing_about_the_comparison(record, markdown):
    oracle = record("template_oracle", accuracy=0.99, **REFERENCE)
    text = one_line(markdown([*(record(seed=seed) for seed in range(5)), oracle]))
    assert "5 seeds (0, 1, 2, 3, 4); ±" in text
    assert "no inference" not in text


def test_efficiency_is_paired_by_seed(record, markdown, board, tables):
    own = {0: 0.70, 1: 0.85, 2: 0.80, 3: 0.75}
    naming = {1: 0.95, 2: 0.90, 3: 0.99, 4: 0.60}
    records = [record("a", seed, value, abroad={"texture": value - 0.1}) for seed, value in own.items()]
    records += [
        record("name_then_xnor", seed, value, abroad={"texture": value - 0.05}, **REFERENCE)
        for seed, value in naming.items()
    ]
    text = markdown(records)
    ratios = pd.Series([(own[seed] - 0.5) / (naming[seed] - 0.5) for seed in (1, 2, 3)])
    half_width = stats.t.ppf(0.975, 2) * stats.sem(ratios)
    assert tables(text)[0][0]["efficiency"] == f"{100 * ratios.mean():.1f} ± {100 * half_width:.1f} %"
    assert "Efficiency: (accuracy - 0.5) / (accuracy of name_then_xnor - 0.5), paired by seed" in one_line(text)

    frame = board(records).set_index(["fusion", "eval_domain"])
    row = frame.loc["a", "color"]
    found = (row.efficiency_mean, row.efficiency_hw, row.efficiency_sd, row.efficiency_seeds)
    assert found == pytest.approx((ratios.mean(), half_width, ratios.std(), 3), abs=1e-12)
    abroad = pd.Series([(own[seed] - 0.6) / (naming[seed] - 0.55) for seed in (1, 2, 3)])
    assert frame.loc["a", "texture"].efficiency_mean == pytest.approx(abroad.mean(), abs=1e-12)
    assert frame.loc["name_then_xnor"].efficiency_mean.isna().all()


def test_efficiency_of_one_seed_has_no_interval(record, markdown, tables, run_folder, bench_report):
    records = [record("a", accuracy=0.9), record("k", accuracy=0.5, **CONTROL)]
    records.append(record("name_then_xnor", accuracy=0.7, **REFERENCE))
    assert tables(markdown(records))[0][0]["efficiency"] == "200.0 %"
    rows = json.loads(bench_report(run_folder(records), "--format", "json").stdout)["rows"]
    assert {row["fusion"]: row["efficiency_mean"] for row in rows} == {
        "a": pytest.approx(2.0), "k": None, "name_then_xnor": None,
    }  # fmt: skip


def test_there_is_no_efficiency_without_a_finished_reference(record, markdown, tables):
    failed = record("name_then_xnor", status="timeout", message="20 min", **REFERENCE)
    text = markdown([record(), failed, record("mask_oracle", **REFERENCE)])
    assert "efficiency" not in tables(text)[0][0]
    assert "Efficiency" not in text


@pytest.mark.parametrize(
    "other", [{"backbone": "resnet18"}, {"protocol": "frozen"}, {"domain": "texture"}, {"recipe_id": "b"}, {"seed": 9}]
)
def test_a_reference_under_other_conditions_is_no_measure(record, board, other):
    frame = board([record(), record("name_then_xnor", **REFERENCE, **other)])
    assert frame.efficiency_mean.isna().all()


def test_each_backbone_is_measured_by_its_own_reference(record, markdown, tables):
    records = [record("a", accuracy=0.8, backbone=backbone) for backbone in ("x", "y", "z")]
    records.append(record("name_then_xnor", accuracy=0.9, backbone="x", **REFERENCE))
    records.append(record("name_then_xnor", accuracy=1.0, backbone="y", **REFERENCE))
    found = {row["backbone"]: row["efficiency"] for row in tables(markdown(records))[0]}
    assert found == {"x": "75.0 %", "y": "60.0 %", "z": "-"}


def test_a_reference_at_chance_measures_nothing_and_has_no_mark(record, markdown, tables):
    # Two standard errors of a coin over 2,000 pairs are .0224.
    weak = [record("name_then_xnor", seed, value, **REFERENCE) for seed, value in enumerate((0.9, 0.52))]
    main, apart = tables(markdown([record(seed=0), record(seed=1), *weak]))
    assert main[0]["efficiency"] == "-"
    lost = tables(markdown([record(), record("name_then_xnor", accuracy=0.5, **REFERENCE)]))[1]
    assert [apart[0]["fusion"], lost[0]["fusion"]] == ["name_then_xnor", "name_then_xnor"]
