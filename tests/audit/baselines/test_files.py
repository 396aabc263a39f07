"""Marks in how files were stored are found, in lists of pairs and in folders; sizes that content makes are none."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.audit.rows import Row, Verdict
from bench.audit.run import run_audit

PAIRS = {"train": 200, "val": 20, "test": 200}
Quality = Callable[[int, int], tuple[int, int]]


def by_label(label: int, bit: int) -> tuple[int, int]:
    """JPEG qualities of A and B where same pairs were stored in another way."""
    return (90, 90) if label else (80, 80)


def in_common(label: int, bit: int) -> tuple[int, int]:
    """Either quality is as frequent in A and in B, and only same pairs have it in common."""
    return 80 + 10 * bit, 80 + 10 * (bit ^ (1 - label))


def listed(folder: Path, quality: Quality | None = None) -> str:
    """A list whose A files sort before its B files; PNG without a ``quality``."""
    rng, rows = np.random.default_rng(0), []
    suffix = ".png" if quality is None else ".jpg"
    for split, n in PAIRS.items():
        for number in range(n):
            label, bit = number % 2, int(rng.integers(2))
            names = [f"{side}/{split}{number}{suffix}" for side in "ab"]
            for name, how in zip(names, quality(label, bit) if quality else (0, 0), strict=True):
                _save(folder / name, rng, how)
            rows.append((*names, label, split))
    path = folder / "pairs.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("a", "b", "label", "split"), *rows])
    return f"pairs:{path}:size=16"


def _save(path: Path, rng: np.random.Generator, quality: int, most: int = 256) -> None:
    path.parent.mkdir(exist_ok=True)
    image = Image.fromarray(rng.integers(0, most, (16, 16, 3), dtype=np.uint8))
    image.save(path, **({"quality": quality} if quality else {}))


def alarms(domain: str) -> list[str]:
    rows: tuple[Row, ...] = run_audit(domain, 400, baselines=("files", "balance")).rows
    return [row.what for row in rows if row.verdict in (Verdict.FLAGGED, Verdict.LEAK)]


def test_a_list_whose_a_files_sort_first_has_no_classes_to_be_out_of_balance(tmp_path: Path) -> None:
    domain = listed(tmp_path)
    assert alarms(domain) == []
    rows = run_audit(domain, 400, baselines=("balance",)).rows
    assert [(row.verdict, row.n) for row in rows] == [(Verdict.UNDECIDED, 200), (Verdict.NOT_APPLICABLE, 0)]


@pytest.mark.parametrize(
    ("quality", "found"),
    [
        (by_label, "size, format, quality of the files, added up → label"),
        (in_common, "size, format, quality of both files over what pixels show → label"),
    ],
)
def test_qualities_that_tell_the_label_are_flagged(tmp_path: Path, quality: Quality, found: str) -> None:
    assert any(what.startswith(found) for what in alarms(listed(tmp_path, quality)))


@pytest.mark.parametrize("marked", [False, True])
def test_qualities_that_tell_the_class_are_flagged(tmp_path: Path, marked: bool) -> None:
    rng = np.random.default_rng(0)
    for name in ("one", "other"):
        for number in range(60):
            # Plainer images of one class take fewer bytes, by nature.
            quality, most = (80 if marked else 90, 40) if name == "one" else (90, 256)
            _save(tmp_path / name / f"{number}.jpg", rng, quality, most)
    found = [what for what in alarms(f"folder:{tmp_path}:size=16") if "class" in what]
    assert found == ["height, width, format, quality of the file → class, gradient boosting"] * marked
