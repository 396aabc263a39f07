"""What was written under every schema so far can still be read: a sample of each is kept here, as it was written."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.gate.comparison import Rules, compare
from bench.gate.read import read_side
from bench.records import leaderboard
from bench.records.folder import SCHEMA
from bench.records.load import load_runs

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(params=range(1, SCHEMA + 1))
def number(request):
    return request.param


@pytest.fixture
def sample(number, tmp_path):
    return Path(shutil.copytree(SAMPLES / f"schema-{number}", tmp_path / "run"))


def test_there_is_a_sample_of_every_schema():
    assert {path.name for path in SAMPLES.iterdir()} == {f"schema-{number}" for number in range(1, SCHEMA + 1)}
    assert leaderboard.SCHEMA == SCHEMA, "leaderboards have a schema of their own now: keep samples of each"


def test_a_sample_is_reported_with_the_numbers_in_it(sample, number, bench_report, tables):
    records = [json.loads(line) for line in (sample / "records.jsonl").read_text().splitlines()]
    assert {record["schema"] for record in records} == {number}
    rows = {row["fusion"]: row for row in tables(bench_report(sample).stdout)[0]}
    scores = [record["eval"]["color"]["accuracy"] for record in records if record["fusion"] == "concat"]
    assert rows["concat"]["accuracy ↑"].strip("*").split()[0] == f"{sum(scores) / len(scores):.3f}"


def test_a_sample_makes_the_leaderboard_that_was_written_with_it(sample, number, bench_report):
    kept = list(csv.DictReader((sample / "leaderboard.csv").open()))
    bench_report(sample)
    now = list(csv.DictReader((sample / "leaderboard.csv").open()))
    assert {row["schema"] for row in kept} == {str(number)}
    # Columns are only ever added.
    assert [{name: row[name] for name in kept[0]} for row in now] == kept
    rows = leaderboard.read_rows(SAMPLES / f"schema-{number}" / "leaderboard.csv")
    assert all(row["accuracy_mean"] is not None for row in rows)


def test_a_sample_can_be_the_baseline_of_a_check(sample):
    for base in (sample, sample / "leaderboard.csv"):
        comparison = compare(read_side(base), read_side(sample), Rules())
        assert comparison.exit_code == 0
        assert comparison.cells == 6


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (99, r"schema 99 is newer than this version of fusebench reads \(1\)"),
        (0, "unknown schema 0"),
        (None, "no schema number"),
        ("1", "schema '1' is not a whole number"),
        (True, "schema True is not a whole number"),
    ],
)
@pytest.mark.parametrize("name", ["run.json", "records.jsonl"])
def test_another_schema_is_one_clear_line(name, schema, message, record, run_folder):
    folder = run_folder([record()])
    file = folder / name
    content = json.loads(file.read_text()) | {"schema": schema}
    file.write_text(json.dumps({k: v for k, v in content.items() if v is not None}) + "\n")
    where = "records.jsonl, line 1" if name == "records.jsonl" else "run.json"
    with pytest.raises(UsageError, match=f"{where}: {message}") as error:
        load_runs([folder])
    assert "\n" not in str(error.value)
