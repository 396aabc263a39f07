"""Records of every schema that was ever written can still be reported: a sample of each is kept here."""

import json
import shutil
from pathlib import Path

import pytest

from bench.sweep.records import SCHEMA

SAMPLES = Path(__file__).parent / "samples"


def test_there_is_a_sample_of_every_schema():
    assert {path.name for path in SAMPLES.iterdir()} == {f"schema-{number}" for number in range(1, SCHEMA + 1)}


@pytest.mark.parametrize("number", range(1, SCHEMA + 1))
def test_a_sample_is_reported_with_the_numbers_in_it(number, tmp_path, bench_report, tables):
    folder = Path(shutil.copytree(SAMPLES / f"schema-{number}", tmp_path / "run"))
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    assert {record["schema"] for record in records} == {number}
    rows = {row["fusion"]: row for row in tables(bench_report(folder).stdout)[0]}
    scores = [record["eval"]["color"]["accuracy"] for record in records if record["fusion"] == "concat"]
    assert rows["concat"]["accuracy ↑"].strip("*").split()[0] == f"{sum(scores) / len(scores):.3f}"
