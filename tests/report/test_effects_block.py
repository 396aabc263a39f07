"""The block that tells what the spread is made of."""

import json

import numpy as np
import pytest


@pytest.fixture
def records(record):
    rng = np.random.default_rng(0)
    return [
        record(name, seed, float(level + shared + rng.normal(0, 0.002)), abroad={"texture": 0.7})
        for name, level in {"a": 0.8, "b": 0.84, "c": 0.88}.items()
        for seed, shared in enumerate(np.linspace(0, 0.03, 4))
    ]


def test_each_source_has_its_deviation_in_points_and_its_share(records, run_folder, bench_report, tables):
    folder = run_folder(records)
    text = bench_report(folder).stdout.partition("### What the spread is made of")[2]
    (table, *_) = tables(text)
    assert [row["source"] for row in table][:3] == ["fusion", "domain", "fusion x domain"]
    rows = {row["source"]: row for row in table}
    (section,) = json.loads(bench_report(folder, "--format", "json").stdout)["sections"]
    for what, found in section["effects"].items():
        total = sum(found["variances"].values())
        for source, variance in found["variances"].items():
            assert rows[source][f"{what}: sd, points"] == f"{100 * np.sqrt(variance):.2f}"
            assert rows[source][f"{what}: share"] == f"{100 * variance / total:.0f} %"
    assert float(rows["fusion"]["on color: sd, points"]) == pytest.approx(4, abs=0.3)
    assert float(rows["seed"]["on color: sd, points"]) == pytest.approx(1.29, abs=0.2)


def test_tables_that_differ_in_the_seed_of_the_warmup_are_taken_together(records, run_folder, bench_report):
    again = [
        {**one, "key": f"{one['key'][:-1]}x", "warmup": {"task": "names", "seed": 1, "quality": 0.5}} for one in records
    ]
    sections = json.loads(bench_report(run_folder([*records, *again]), "--format", "json").stdout)["sections"]
    assert [one["effects"]["from 2 warm-ups"]["levels"]["warm-up"] for one in sections] == [2, 2]


def test_seeds_and_replicates_are_not_taken_together(records, run_folder, bench_report):
    again = [{**one, "key": f"{one['key'][:-1]}x", "repeats": "replicate"} for one in records]
    sections = json.loads(bench_report(run_folder([*records, *again]), "--format", "json").stdout)["sections"]
    assert len(sections) > 1
    assert not any("warm-ups" in what for one in sections for what in one["effects"])


def test_two_seeds_have_no_block(records, run_folder, bench_report):
    few = [one for one in records if one["seed"] < 2]
    assert "spread is made of" not in bench_report(run_folder(few)).stdout
