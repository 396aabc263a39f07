"""Record files, headers, leaderboards and baselines that were damaged or tampered with."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

pytestmark = pytest.mark.faults

# Values that no run can have written, by where they stand in a record.
NONSENSE: dict[str, list[Any]] = {
    "eval color accuracy": [2.5, -0.1, float("inf"), float("nan"), "0.9", [0.9], {}, True],
    "eval color auc": [7, float("-inf"), "high"],
    "eval color n": [0, -4, 1.5, "many"],
    "eval color": [None, [], 3, "x"],
    "eval": [[], 3, "x"],
    "seed": [1.5, -1, "0", None, True, 10**30],
    "status": ["fine", None, 0, "", ["ok"]],
    "fusion": [None, 3, "", []],
    "backbone": [None, 3, ""],
    "domain": [None, 3, ""],
    "protocol": [None, 3, ""],
    "key": [None, 3, "", "../../up"],
    "schema": [None, "1", 0, 99, 1.5],
    "error": ["x", 3, []],
    "warmup": ["names", 3, []],
    "recipe_id": [None, 3, ""],
    "finished": [3, []],
    "cost parameters": [-1, "many", float("inf"), 1.5],
    "cost train_pairs_per_s": [-1, "fast", float("nan")],
    "data": [[], 3],
}
REQUIRED = ("key", "status", "fusion", "backbone", "domain", "seed", "protocol", "warmup", "recipe_id", "schema")
COMMANDS = (
    ("report", "run"),
    ("report", "run", "--format", "csv"),
    ("report", "run", "--format", "json", "--baseline", "concat"),
    ("check", "run", "--baseline", "sound.jsonl"),
    ("check", "run", "--write-baseline", "written.jsonl"),
    ("compare", "sound", "run"),
)
Make = Callable[[bytes], None]


@pytest.fixture
def records(record: Any) -> list[dict[str, Any]]:
    return [record(fusion, seed, 0.9 + seed / 100) for fusion in ("abs_diff", "concat") for seed in range(3)]


@pytest.fixture
def sound(place: Path, records: list[dict[str, Any]], run_folder: Any, call: Any) -> bytes:
    """The lines of a sound run, which lies in ``sound`` with its baseline, and once more in ``run`` to be damaged."""
    for name in ("sound", "run"):
        run_folder(records, name=f"inside/{name}")
    call("check", "sound", "--write-baseline", "sound.jsonl")
    return (place / "sound" / "records.jsonl").read_bytes()


def in_lines(records: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def changed(record: dict[str, Any], where: str, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(record)
    *path, last = where.split()
    inner = made
    for step in path:
        inner = inner.setdefault(step, {})
    inner[last] = value
    return made


def test_damaged_bytes(fuzz: Any, place: Path, sound: bytes, call: Any, damage: Any) -> None:
    def check(seed: int) -> None:
        (place / "run" / "records.jsonl").write_bytes(damage(sound, seed))
        call(*COMMANDS[seed % len(COMMANDS)])

    fuzz(st.integers(0, 2**32), 700, check)


def test_whatever_json_can_hold(fuzz: Any, place: Path, sound: bytes, records: Any, call: Any, values: Any) -> None:
    places = st.sampled_from([*NONSENSE, "times", "execution", "diagnostics", "matching", "eval color cells", "recipe"])

    def check(example: tuple[str, Any, int]) -> None:
        where, value, number = example
        lines = [*records[:1], changed(records[1], where, value), *records[2:]]
        (place / "run" / "records.jsonl").write_bytes(in_lines(lines))
        assert "\x1b" not in call(*COMMANDS[number]).said

    fuzz(st.tuples(places, values, st.integers(0, len(COMMANDS) - 1)), 600, check)


def test_nonsense_costs_its_cell_and_is_named(
    every: Any, place: Path, sound: bytes, records: list[dict[str, Any]], call: Any
) -> None:
    commands = [COMMANDS[0], *COMMANDS[3:5]]
    values = [(where, value) for where, values in NONSENSE.items() for value in values]
    cases = [(command, *one) for one in [*values, *((name, ...) for name in REQUIRED)] for command in commands]

    def check(case: tuple[tuple[str, ...], str, Any]) -> None:
        command, where, value = case
        bad = changed(records[1], where, value)
        if value is ...:
            del bad[where]
        (place / "run" / "records.jsonl").write_bytes(in_lines([*records[:1], bad, *records[2:]]))
        answer = call(*command)
        assert "line 2" in answer.said, f"{command[0]} says nothing of {where} = {value!r}"
        if command[0] == "report":
            assert answer.code == 0, f"{where} = {value!r} costs more than its cell"
            assert re.search(r"abs_diff[^|]*\|\s+2 \|", answer.out), "the other two seeds are not in the table"
        elif "--baseline" in command:
            assert answer.code != 0

    every(cases, check)


def test_headers(fuzz: Any, place: Path, sound: bytes, call: Any, damage: Any, values: Any) -> None:
    header = json.loads((place / "run" / "run.json").read_bytes())
    text = json.dumps(header).encode()

    def check(example: tuple[int, Any]) -> None:
        seed, value = example
        names = [*header, "sessions", "config"]
        content = damage(text, seed) if seed % 2 else json.dumps({**header, names[seed % len(names)]: value}).encode()
        (place / "run" / "run.json").write_bytes(content)
        call(*COMMANDS[seed % len(COMMANDS)])

    fuzz(st.tuples(st.integers(0, 2**32), values), 400, check)


def test_leaderboards(fuzz: Any, place: Path, sound: bytes, call: Any, damage: Any) -> None:
    call("report", "sound", "--out", "report.md")
    text = (place / "sound" / "leaderboard.csv").read_bytes()
    cells = ["", "nan", "inf", "-1", "2.5", "x", '"', "=cmd()", "1e999", "0 1 x", "é", "\x00"]

    def check(seed: int) -> None:
        rows = [line.split(",") for line in text.decode().splitlines()]
        row = rows[seed % len(rows)]
        row[seed // 7 % len(row)] = cells[seed % len(cells)]
        tampered = "\n".join(map(",".join, rows)).encode()
        (place / "board.csv").write_bytes(damage(text, seed) if seed % 2 else tampered)
        call("check", "run", "--baseline", "board.csv")
        if seed % 20 == 0:
            call("plot", "board.csv", "--out", "pictures")

    fuzz(st.integers(0, 2**32), 400, check)


def test_baselines(fuzz: Any, place: Path, sound: bytes, call: Any, damage: Any) -> None:
    text = (place / "sound.jsonl").read_bytes()

    def check(seed: int) -> None:
        (place / "base.jsonl").write_bytes(damage(text, seed))
        call("check", "run", "--baseline", "base.jsonl")

    fuzz(st.integers(0, 2**32), 400, check)


def test_a_baseline_that_lost_lines_is_no_baseline(place: Path, sound: bytes, call: Any) -> None:
    lines = (place / "sound.jsonl").read_bytes().splitlines(keepends=True)
    passed = []
    for kept in range(1, len(lines)):
        (place / "base.jsonl").write_bytes(b"".join(lines[:kept]))
        if call("check", "run", "--baseline", "base.jsonl").code == 0:
            passed.append(f"{kept} of {len(lines)} lines")
    assert not passed


@pytest.mark.parametrize("name", ["records.jsonl", "run.json", "leaderboard.csv"])
def test_a_folder_where_a_file_should_be(place: Path, sound: bytes, call: Any, name: str) -> None:
    file = place / "run" / name
    file.unlink(missing_ok=True)
    file.mkdir()
    assert name in call("report", "run").err
