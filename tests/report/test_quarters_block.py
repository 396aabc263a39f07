"""The 2 x 2 of seen and new classes and groups: a column per quarter, and what new ones cost, paired by seed."""

import json
import re

import numpy as np
import pytest
from scipy import stats

HOME = "folder:path=x"
QUARTER = {"novel_both": HOME, "seen": f"{HOME}:shift=seen", "novel": f"{HOME}:shift=novel"}
FULL = QUARTER | {"novel_group": f"{HOME}:shift=novel_group"}


@pytest.fixture
def told(record):
    """A record of a run on domains of quarters, with the accuracy on each."""

    def make(seed: int, values: dict[str, float], domains: dict[str, str], **others):
        abroad = {domains[name]: value for name, value in values.items() if domains[name] != HOME}
        made = record(seed=seed, accuracy=values["novel_both"], domain=HOME, abroad=abroad, **others)
        for name, domain in domains.items():
            made["eval"][domain]["quarter"] = name
        return made

    return make


def table(text: str, tables) -> list[dict[str, str]]:
    (block,) = [part for part in re.split(r"^### ", text, flags=re.MULTILINE) if part.startswith("New classes")]
    return tables(block)[0]


def test_quarters_and_gaps_agree_with_an_independent_computation(told, run_folder, bench_report, tables):
    rng = np.random.default_rng(0)
    values = rng.uniform(0.6, 0.9, (3, 4)).round(3)
    names = ["seen", "novel_group", "novel", "novel_both"]
    records = [told(seed, dict(zip(names, row.tolist(), strict=True)), FULL) for seed, row in enumerate(values)]
    (row,) = table(bench_report(run_folder(records), "--metric", "accuracy").stdout, tables)
    seen, group, novel, both = values.T

    def text(numbers: np.ndarray) -> str:
        half = stats.t.ppf(0.975, 2) * numbers.std(ddof=1) / np.sqrt(3)
        return f"{numbers.mean():.3f} ± {half:.3f}"

    assert [row[f"{c} classes, {g} groups"] for c in ("seen", "new") for g in ("seen", "new")] == [
        text(numbers) for numbers in (seen, group, novel, both)
    ]
    assert row["new classes: Δ accuracy"] == text((novel - seen + both - group) / 2)
    assert row["new groups: Δ accuracy"] == text((group - seen + both - novel) / 2)


def test_a_gap_is_of_the_pairs_of_quarters_that_were_tested(told, run_folder, bench_report, tables):
    records = [told(0, {"novel_both": 0.7, "seen": 0.9, "novel": 0.8}, QUARTER)]
    (row,) = table(bench_report(run_folder(records), "--metric", "accuracy").stdout, tables)
    assert (row["new classes: Δ accuracy"], row["new groups: Δ accuracy"]) == ("-0.100", "-0.100")
    assert "seen classes, new groups" not in row


def test_without_groups_only_classes_are_named(told, run_folder, bench_report, tables):
    made = told(0, {"novel_both": 0.9, "novel": 0.8}, {"novel_both": HOME, "novel": QUARTER["novel"]})
    made["eval"][HOME]["quarter"] = "seen"
    (row,) = table(bench_report(run_folder([made]), "--metric", "accuracy").stdout, tables)
    assert row == {"fusion": "abs_diff", "seen classes": "0.900", "new classes": "0.800",
                   "new classes: Δ accuracy": "-0.100"}  # fmt: skip


def test_one_quarter_alone_is_no_table(record, told, run_folder, bench_report):
    alone = told(0, {"novel_both": 0.9}, {"novel_both": HOME})
    for records in ([alone], [record()]):
        assert "New classes" not in bench_report(run_folder(records)).stdout


def test_json_and_latex_hold_the_same_numbers(told, run_folder, bench_report, tables):
    values = [{"novel_both": 0.7, "seen": 0.9, "novel": 0.8}, {"novel_both": 0.6, "seen": 0.8, "novel": 0.75}]
    folder = run_folder([told(seed, own, QUARTER) for seed, own in enumerate(values)])
    (row,) = table(bench_report(folder, "--metric", "accuracy").stdout, tables)
    (section,) = json.loads(bench_report(folder, "--metric", "accuracy", "--format", "json").stdout)["sections"]
    (found,) = section["quarters"]
    texts = [f"{of['mean']:.3f} ± {of['half_width']:.3f}" for of in map(found.get, ("seen", "new_classes"))]
    assert texts == [row["seen classes, seen groups"], row["new classes: Δ accuracy"]]
    tex = bench_report(folder, "--metric", "accuracy", "--format", "tex").stdout
    assert r"& new classes: $\Delta$ accuracy &" in tex
    assert texts[0].replace("±", r"$\pm$") in tex
