"""P(same) by kind of pair."""

import re
import statistics

import pytest

from bench.records.load import load_runs
from bench.records.strata import are_levels


@pytest.fixture
def kinds_tables(run_folder, bench_report, tables):
    """Tables below the heading of kinds; none where there is no such heading."""

    def read(records):
        text = bench_report(run_folder(records)).stdout
        blocks = re.split(r"^#+ ", text, flags=re.MULTILINE)
        return [table for block in blocks if block.startswith("Kinds of pairs") for table in tables(block)]

    return read


def test_means_over_seeds_by_domain_and_kind(record, metrics, strata, kinds_tables):
    levels = {"a": (0.9, 0.95, 0.8), "mask_oracle": (0.99, 0.97, 0.98)}
    records = [
        record(
            name,
            seed,
            eval={
                "color": metrics(0.9),
                "novel": {**metrics(0.6), "strata": strata({"same": value, "different, within corners": value / 3})},
                "color:shift=cue_conflict": {**metrics(0.5), "strata": strata({"same surfaces": 1 - value})},
                "color:shift=near_shape": {**metrics(0.5), "strata": strata({"same": value / 2, "different": 0.1})},
            },
            family="reference" if name == "mask_oracle" else "embedding",
        )
        for name, values in levels.items()
        for seed, value in enumerate(values)
    ]
    (table,) = kinds_tables(records)
    rows = [(row["tested on"], row["kind of pairs"]) for row in table]
    # A single kind tells nothing apart.
    assert rows == [
        ("novel", "same"), ("novel", "different, within corners"), ("near_shape", "same"), ("near_shape", "different"),
    ]  # fmt: skip
    for name, values in levels.items():
        mean = statistics.mean(values)
        assert [row[name] for row in table] == [f"{mean:.3f}", f"{mean / 3:.3f}", f"{mean / 2:.3f}", "0.100"]


@pytest.mark.parametrize(
    ("names", "levels"),
    [
        (["severity 1", "severity 2"], True),
        (["radius 2", "radius 2.5"], True),
        (["10 to 20 % hidden", "20 to 30 % hidden"], True),
        (["same", "different"], False),
        (["same, seen", "same, novel"], False),
        (["seen 2", "novel 2"], False),
    ],
)
def test_levels_of_one_factor_are_no_kinds(record, metrics, strata, kinds_tables, names, levels):
    assert are_levels(names) == levels
    scored = {"color": metrics(0.9), "color:shift=x": {**metrics(0.6), "strata": strata(dict.fromkeys(names, 0.5))}}
    assert bool(kinds_tables([record(eval=scored)])) != levels


def test_what_a_fusion_was_not_tested_on_is_a_dash(record, metrics, strata, kinds_tables):
    def scored(**p_same):
        return {"color": metrics(0.9), "novel": {**metrics(0.6), "strata": strata(p_same)}}

    records = [
        record("a", 0, eval=scored(same=0.6, different=0.2)),
        record("a", 1, eval=scored(same=0.8)),
        record("b", 0, eval=scored(same=0.9)),
        record("c", 0),
    ]
    (table,) = kinds_tables(records)
    assert [{name: row.get(name) for name in "abc"} for row in table] == [
        {"a": "0.700", "b": "0.900", "c": None},
        {"a": "0.200", "b": "-", "c": None},
    ]


def test_the_domain_trained_on_may_have_kinds(record, metrics, strata, kinds_tables):
    scored = {"many": {**metrics(0.9), "strata": strata({"same": 0.9, "different": 0.1})}}
    (table,) = kinds_tables([record(domain="many", eval=scored)])
    assert [row["tested on"] for row in table] == ["many", "many"]


def test_cells_share_the_names_of_kinds(record, metrics, strata, run_folder):
    records = [
        record(seed=seed, eval={"color": {**metrics(0.9), "strata": strata({"same": 0.9, "different": 0.2})}})
        for seed in range(2)
    ]
    (run,) = load_runs([run_folder(records)])
    first, second = (cell.eval["color"].kinds for cell in run.cells)
    assert first.names is second.names
    assert first.p_same == (0.9, 0.2)
