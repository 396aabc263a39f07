"""The page of what others handed in."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tests.conftest import read_tables

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(ROOT / ".ci" / "write_submissions.py"))


def test_the_page_is_that_of_the_records(script) -> None:
    assert script["PAGE"].read_text() == script["text"]()


def test_every_submission_is_named_and_every_cell_is_in_a_table(script, record, run_folder, tmp_path: Path) -> None:
    assert script["body"](tmp_path / "nothing") == "None yet.\n"
    failed = record("concat", 2, status="oom", message="too large")
    run_folder([*(record("abs_diff", seed, 0.9 + 0.01 * seed) for seed in range(3)), failed], "all/kim-color")
    run_folder([record("cosine", seed, 0.8, domain="geo") for seed in range(2)], "all/lee-geo")
    text = script["body"](tmp_path / "all")
    assert "- kim-color: 2026-03-01" in text
    assert "4 cells: 3 ok, 1 oom" in text
    assert "lee-geo" in text
    color, _, geo, _ = read_tables(text)
    assert [(row["fusion"].split()[0], row["n"], row["accuracy ↑"]) for row in color] == [
        ("abs_diff", "3", "**0.910 ± 0.025**"), ("concat", "0", "-"),
    ]  # fmt: skip
    assert [(row["fusion"], row["n"]) for row in geo] == [("cosine", "2")]
