"""The block that tells how domains order the fusions."""

import json

import pytest

NOVEL = "color:shift=novel"


@pytest.fixture
def records(record):
    levels = {f"f{i}": (0.9 - 0.02 * i, 0.6 + 0.02 * i) for i in range(10)}
    return [
        record(name, seed, seen + seed / 1000, abroad={NOVEL: new + seed / 1000})
        for name, (seen, new) in levels.items()
        for seed in range(5)
    ]


def test_each_domain_is_a_row_with_its_order(records, run_folder, bench_report, tables):
    folder = run_folder(records)
    text = bench_report(folder).stdout.partition("\n### Order\n")[2]
    home, novel = tables(text)[0]
    assert home["best first"] == "f0, f1, f2, f3, … f6, f7, f8, f9"
    assert novel == {
        "domain": "novel", "rank correlation": "-1.00", "95 % interval": "-1.00 to -1.00", "ceiling": "1.00",
        "best first": "f9, f8, f7, f6, … f3, f2, f1, f0",
    }  # fmt: skip
    (section,) = json.loads(bench_report(folder, "--format", "json").stdout)["sections"]
    (order,) = section["order"]
    assert order["pairs"] == [
        {"first": "color", "second": NOVEL, "correlation": pytest.approx(-1), "low": pytest.approx(-1),
         "high": pytest.approx(-1), "ceiling": pytest.approx(1)}
    ]  # fmt: skip
    assert order["best_first"]["color"][:2] == ["f0", "f1"]


def test_without_another_domain_there_is_no_block(record, run_folder, bench_report):
    assert "### Order" not in bench_report(run_folder([record(f, s) for f in "abc" for s in range(3)])).stdout
