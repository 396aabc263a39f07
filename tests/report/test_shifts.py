"""Shifts have tables of their own: one column per fusion, the references beside them."""

import re

import pandas as pd
import pytest
from scipy import stats

REFERENCE = {"family": "reference"}


@pytest.fixture
def markdown(run_folder, bench_report):
    return lambda records, *options: bench_report(run_folder(records), *options).stdout


@pytest.fixture
def shift_tables(markdown, tables):
    """Tables below the headings of shifts."""

    def read(records, *options):
        blocks = re.split(r"^#+ ", markdown(records, *options), flags=re.MULTILINE)
        return [table for block in blocks if block.startswith("Shifts") for table in tables(block)]

    return read


def test_shifts_leave_the_main_table_and_real_other_domains_stay(record, markdown, shift_tables, tables):
    abroad = {"color:shift=outline": 0.7, "color:shift=greyscale": 0.8, "texture": 0.6, "texture:shift=outline": 0.5}
    records = [record(abroad=abroad)]
    text = markdown(records, "--metric", "accuracy", "--cost", "none")
    columns = ["fusion", "n", "accuracy ↑", "texture accuracy ↑", "texture:shift=outline accuracy ↑"]
    assert list(tables(text)[0][0]) == columns
    (table,) = shift_tables(records)
    assert [(row["shift"], row["abs_diff"]) for row in table] == [
        ("no shift", "0.950"), ("greyscale", "0.800"), ("outline", "0.700"),
    ]  # fmt: skip


def test_parameters_of_the_domain_belong_to_the_source(record, shift_tables, markdown):
    hard = {"domain": "color:difficulty=hard"}
    (table,) = shift_tables([record(**hard, abroad={"color:difficulty=hard:shift=blob": 0.5, "color:shift=blob": 0.6})])
    assert [row["shift"] for row in table] == ["no shift", "blob"]
    assert table[1]["abs_diff"] == "0.500"
    assert "### Shifts" not in markdown([record(**hard, abroad={"color:shift=blob": 0.6})])


def test_numbers_agree_with_an_independent_computation(record, shift_tables):
    scores = {
        ("a", "color"): [0.90, 0.92, 0.95], ("a", "color:shift=blur"): [0.60, 0.71, 0.66],
        ("b", "color"): [0.95, 0.96, 0.97], ("b", "color:shift=blur"): [0.70, 0.61, 0.62],
        ("mask_oracle", "color"): [0.99, 0.98, 0.99], ("mask_oracle", "color:shift=blur"): [0.97, 0.96, 0.95],
    }  # fmt: skip
    records = [
        record(
            name,
            seed,
            scores[name, "color"][seed],
            abroad={"color:shift=blur": scores[name, "color:shift=blur"][seed]},
            family="reference" if name == "mask_oracle" else "embedding",
        )
        for name in ("a", "b", "mask_oracle")
        for seed in range(3)
    ]
    records.append(record("k", abroad={"color:shift=blur": 0.5}, family="control"))
    (table,) = shift_tables(records)
    # Better on the domain trained on comes first, whatever the shift does; controls are left out.
    assert list(table[0]) == ["shift", "b", "a", "mask_oracle"]
    for (name, domain), values in scores.items():
        half_width = stats.t.ppf(0.975, 2) * stats.sem(values)
        cell = table["shift=" in domain][name]
        assert cell == f"{pd.Series(values).mean():.3f} ± {half_width:.3f}"


def test_many_fusions_wrap_into_even_tables_with_the_references_in_each(record, shift_tables):
    records = [
        record(f"f{number}", accuracy=0.9 - number / 100, abroad={"color:shift=blur": 0.6}) for number in range(7)
    ]
    oracle = record("template_oracle", accuracy=0.99, abroad={"color:shift=blur": 0.9}, **REFERENCE)
    found = [list(table[0]) for table in shift_tables([*records, oracle])]
    assert found == [
        ["shift", "f0", "f1", "f2", "template_oracle"],
        ["shift", "f3", "f4", "f5", "f6", "template_oracle"],
    ]
    assert len(shift_tables([*records[:6], oracle])) == 1


def test_the_first_metric_is_shown(record, metrics, markdown, shift_tables):
    scored = {"color": metrics(0.9, auc=0.96), "color:shift=blur": metrics(0.6, auc=0.77)}
    (table,) = shift_tables([record(eval=scored)], "--metric", "auc,accuracy")
    assert [row["abs_diff"] for row in table] == ["0.960", "0.770"]
    assert "auc ↑ after training on color alone" in markdown([record(eval=scored)], "--metric", "auc")


@pytest.mark.parametrize(
    ("p_same", "cell"),
    [((0.9, 0.75), "0.600 ="), ((0.1, 0.25), "0.600 ≠"), ((0.75, 0.75), "0.600"), ((0.0, 0.9), "0.600")],
)
def test_mostly_same_and_mostly_different_are_marked(record, metrics, markdown, shift_tables, p_same, cell):
    records = [
        record(seed=seed, eval={"color": metrics(0.9), "color:shift=blur": metrics(0.6, p_same=value)})
        for seed, value in enumerate(p_same)
    ]
    (table,) = shift_tables(records)
    assert table[1]["abs_diff"].replace(" ± 0.000", "") == cell
    assert ("compare the AUC" in markdown(records)) == (cell != "0.600")


def test_signs_keep_the_numbers_of_a_column_in_line(record, metrics, markdown):
    scored = {"color": metrics(0.9), "color:shift=blur": metrics(0.6, p_same=0.95)}
    lines = [line for line in markdown([record(eval=scored)]).splitlines() if line.startswith(("| no shift", "| blur"))]
    assert len({line.index("0.") for line in lines}) == 1


def test_each_backbone_has_a_table_of_its_own(record, markdown, shift_tables):
    records = [record(backbone=name, abroad={"color:shift=blur": 0.6}) for name in ("x", "y")]
    records.append(record(backbone="z"))
    text = markdown(records)
    assert re.findall(r"^### Shifts.*$", text, re.MULTILINE) == ["### Shifts: x", "### Shifts: y"]
    assert len(shift_tables(records)) == 2


def test_a_fusion_that_was_not_tested_there_is_no_column_and_a_missing_shift_a_dash(record, shift_tables):
    records = [
        record("a", abroad={"color:shift=blur": 0.6, "color:shift=noise": 0.7}),
        record("b", abroad={"color:shift=blur": 0.5}),
        record("c"),
        record("d", status="oom"),
    ]
    (table,) = shift_tables(records)
    assert list(table[0]) == ["shift", "a", "b"]
    assert [row["b"] for row in table] == ["0.950", "0.500", "-"]


def test_tested_pairs_are_those_of_each_domain(record, markdown):
    text = " ".join(markdown([record(abroad={"color:shift=blur": 0.6})]).split())
    assert "Tested on 2,000 pairs of each domain. 1 seed" in text
