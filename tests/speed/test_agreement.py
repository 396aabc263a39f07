"""Whether two runs agree, and how records are read and shown."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UsageError
from bench.speed import table
from bench.speed.agreement import compare, to_json, to_markdown
from bench.speed.records import SpeedFile, read_run
from bench.speed.summary import summarise

MACHINE = {"cpu": "this", "cores": 2}


def record(fusion: str, seconds: float, run: str = "a", jitter: float = 0.01, **fields: Any) -> dict[str, Any]:
    """Five rounds of four blocks whose medians lie around ``seconds``."""
    rounds = [
        {"calls": 1, "settled": True, "latencies": [seconds],
         "blocks": [seconds * (1 + jitter * (block + number / 10 - 1.7)) for block in range(4)]}
        for number in range(5)
    ]  # fmt: skip
    coordinates = {
        "fusion": fusion, "backbone": "b", "mode": "infer", "batch": 32, "batch_choice": "given", "device": "cpu",
        "dtype": "float32", "memory_format": "channels_last", "threads": 1,
    }  # fmt: skip
    known = {"run": run, "machine": MACHINE, "status": "ok", "error": None, "pairs": 32, "peak_bytes": 2**20}
    return coordinates | known | summarise(rounds, 32, is_busy=False) | {"rounds": rounds} | fields


def missing(fusion: str, message: str, **fields: Any) -> dict[str, Any]:
    return record(fusion, 1.0, status="not_applicable", error={"type": "X", "message": message}, **fields)


def test_nine_of_ten_agree_and_the_other_is_noisy() -> None:
    base = [record(f"f{i}", 1.0) for i in range(10)]
    new = [record(f"f{i}", 1.04) for i in range(9)]
    noisy = compare(base, [*new, record("f9", 1.5, jitter=0.2)])
    assert (noisy.share, noisy.holds) == (0.9, True)
    assert "9 of 10 rows within 5 % (90 %); of the other 1, 1 flagged noisy" in noisy.summary
    steady = compare(base, [*new, record("f9", 1.5)])
    assert (steady.share, steady.holds) == (0.9, False)
    assert steady.differences[-1].word == "slower"
    assert to_markdown(steady).splitlines()[2].startswith("| f9")
    assert json.loads(to_json(steady))["holds"] is False


def test_words() -> None:
    base = [record("one", 1.0), record("two", 1.0), record("three", 1.0, jitter=0.5), record("gone", 1.0)]
    new = [record("one", 0.5), record("two", 1.049), record("three", 1.08, jitter=0.5), record("other", 1.0)]
    found = compare(base, new)
    assert [one.word for one in found.differences] == ["faster", "same", "undecided"]
    assert found.only_one == 2


def test_a_row_that_failed_in_one_run_is_no_agreement() -> None:
    kept, lost = record("f", 1.0), record("g", 1.0)
    failed = record("g", 1.0, status="oom", error={"type": "X", "message": "no memory"})
    for found in (compare([kept, lost], [kept, failed]), compare([kept, failed], [kept, lost])):
        assert (found.share, found.holds, found.only_one) == (1.0, False, 0)
        assert "failed in one run only: g × b, infer, batch 32, cpu" in found.summary
        assert json.loads(to_json(found))["failed"] == list(found.failed)
    assert compare([kept, failed], [kept, failed]).holds
    not_asked = compare([kept, lost], [kept, missing("g", "joins before")])
    assert (not_asked.holds, not_asked.only_one) == (True, 1)


def test_what_cannot_be_compared() -> None:
    with pytest.raises(UsageError, match="cpu this against that"):
        compare([record("f", 1.0)], [record("f", 1.0, machine={"cpu": "that", "cores": 2})])
    with pytest.raises(UsageError, match="share no row"):
        compare([record("f", 1.0)], [record("g", 1.0)])


def test_runs_are_found_by_name_and_by_path(tmp_path: Path) -> None:
    with SpeedFile(tmp_path) as file:
        file.write([record("f", 1.0, run="first")])
        file.write([record("f", 2.0, run="second")])
    assert read_run("first", tmp_path)[0]["median_s"] == pytest.approx(1.0, rel=0.05)
    for path in (tmp_path, tmp_path / "speed.jsonl"):
        assert [one["run"] for one in read_run(str(path), Path("elsewhere"))] == ["second"]
    with pytest.raises(UsageError, match=r"third: no such run; runs in .*: first, second"):
        read_run("third", tmp_path)
    with pytest.raises(UsageError, match="no such path"):
        read_run("first", tmp_path / "empty")


def test_half_a_line_of_a_killed_writer_costs_no_run(tmp_path: Path) -> None:
    with SpeedFile(tmp_path) as file:
        file.write([record("f", 1.0, run="first")])
    with file.path.open("a") as torn:
        torn.write('{"schema":1,"run":"torn","mo')
    with SpeedFile(tmp_path) as file:
        file.write([record("f", 1.0, run="second")])
    assert [read_run(run, tmp_path)[0]["run"] for run in ("first", "second")] == ["first", "second"]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "speed.jsonl").mkdir()
    with pytest.raises(UsageError, match=r"speed\.jsonl: Is a directory"):
        read_run("first", tmp_path)


def test_a_file_of_something_else(tmp_path: Path) -> None:
    other = tmp_path / "records.jsonl"
    other.write_text('{"schema":1,"key":"x"}\n')
    with pytest.raises(UsageError, match="not a file of bench speed"):
        read_run(str(other), tmp_path)


def test_markdown_has_a_column_for_every_device_and_reasons_below() -> None:
    records = [
        record("concat", 0.02), record("concat", 0.02, device="cuda", **_no("no CUDA device here")),
        missing("stack", "joins before"), missing("stack", "no CUDA device here", device="cuda"),
    ]  # fmt: skip
    text = table.to_markdown(records)
    header, _, first, second = text.split("| fusion")[1].splitlines()[:4]
    assert header.count("cuda") == 1
    assert [cell.strip() for cell in first.split("|")[2:5]] == ["infer", "32", "1.6 k"]
    assert first.rstrip(" |").endswith("no CUDA device here")
    assert [cell.strip() for cell in second.split("|")[4:6]] == ["n/a", "-"]
    assert "- not applicable: joins before: stack infer batch 32" in text
    assert text.startswith("Of all rows: backbone b, dtype float32, memory_format channels_last, threads 1.")
    assert max(map(len, text.split("\n\n")[0].splitlines())) <= 120


def test_best_batches_of_the_devices_share_a_line() -> None:
    best = {"batch": None, "batch_choice": "best"}
    records = [
        record("concat", 0.02, jitter=0.5, **best | {"batch": 64}),
        record("concat", 0.02, device="cuda", **best | {"batch": 512}),
        record("concat", 0.02, device="other", **best | _no("none here")),
    ]
    (line,) = table.to_markdown(records).split("| fusion")[1].splitlines()[2:]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert (cells[2], cells[9], cells[16], cells[-1]) == ("best", "batch 64 noisy", "batch 512", "none here")


def test_csv_has_a_line_for_every_record() -> None:
    rows = list(csv.DictReader(io.StringIO(table.to_csv([record("concat", 0.02), missing("stack", "no, never")]))))
    assert [row["status"] for row in rows] == ["ok", "not_applicable"]
    assert float(rows[0]["pairs_per_s"]) == pytest.approx(1600, rel=0.02)
    assert rows[1]["message"] == "no, never"


def _no(message: str) -> dict[str, Any]:
    return {"status": "not_applicable", "error": {"type": "X", "message": message}}
