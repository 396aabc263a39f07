"""``bench predict`` and ``bench list models``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.models.files import stored_models

Bench = Callable[..., int]
Captured = pytest.CaptureFixture[str]


def test_two_images_are_compared(bench: Bench, capsys: Captured, kept: Path, tmp_path: Path) -> None:
    first = stored_models(kept / "models")[0]
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for shade, file in enumerate(files):
        Image.fromarray(np.full((40, 50, 3), shade, np.uint8)).save(file)
    assert bench("predict", kept / first.stem[:12], *files, "--format", "json") == 0
    printed = capsys.readouterr()
    (row,) = json.loads(printed.out)
    assert list(row) == ["a", "b", "score", "probability", "decision"]
    assert row["decision"] == ("same" if row["score"] > 0 else "different")
    assert bench("predict", first, files[0], "--against", tmp_path) == 0
    printed = capsys.readouterr()
    assert [len(line.split()) for line in printed.out.splitlines()] == [5, 5]
    assert printed.err.startswith("1 pair, ")


def test_what_was_computed_is_printed_where_it_cannot_be_written(
    bench: Bench, capsys: Captured, kept: Path, tmp_path: Path
) -> None:
    first = stored_models(kept / "models")[0]
    Image.new("RGB", (40, 50)).save(tmp_path / "a.png")
    Image.new("RGB", (40, 50), "red").save(tmp_path / "b.png")
    asked = ("predict", first, tmp_path / "a.png", tmp_path / "b.png", "--format", "csv")
    assert bench(*asked) == 0
    printed = capsys.readouterr().out
    (tmp_path / "file").touch()
    assert bench(*asked, "--out", tmp_path / "file" / "out.csv") == 2
    assert capsys.readouterr().out == printed


def test_bad_input_is_one_line(bench: Bench, capsys: Captured, kept: Path, tmp_path: Path) -> None:
    first = stored_models(kept / "models")[0]
    for arguments, why in (
        ((kept, "a.png", "b.png"), "6 stored models; name one"),
        ((kept.parent, "a.png", "b.png"), f"no stored model; {kept / 'models'} holds some: name that folder"),
        ((tmp_path, "a.png", "b.png"), "no stored model; bench run --save best keeps them"),
        ((__file__, "a.png", "b.png"), "no stored model; expected a file that ends in .safetensors"),
        ((first, "a.png"), "1 file; expected two images"),
        ((first, "a.png", "b.png"), "a.png: No such file"),
        ((first, "a.png", "--against", tmp_path / "none"), "a.png: no such file or folder"),
        ((first, "a.png", "b.png", "--top", "3"), "--top: is how many matches --against names"),
        ((first, "a.png", "b.png", "--format", "xml"), "--format: unknown 'xml'"),
    ):
        assert bench("predict", *arguments) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("bench: ")
        assert why in printed.err
        assert printed.err.count("\n") == 1


def test_models_are_listed_with_what_they_reached(bench: Bench, capsys: Captured, kept: Path, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").touch()
    (tmp_path / "x.json").write_text("{}")
    assert bench("list", "models", kept) == 0
    printed = capsys.readouterr()
    header, *rows = printed.out.splitlines()
    assert header.split()[:5] == ["model", "fusion", "backbone", "domain", "seed"]
    assert sorted(row.split()[1] for row in rows) == [
        "concat",
        "concat",
        "cosine",
        "cosine",
        "two_channel",
        "two_channel",
    ]
    assert bench("list", "models", tmp_path) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("no stored models in ")
    assert printed.err.startswith("left out: ")
