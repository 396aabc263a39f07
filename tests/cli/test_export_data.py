"""``bench export data``: pairs as files, and the domain that reads them back."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench.domain import build_domain

Bench = Callable[..., int]
Captured = pytest.CaptureFixture[str]


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "pairs.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_exported_is_read_back_to_the_same_pixels(bench: Bench, capsys: Captured, tmp_path: Path) -> None:
    out = tmp_path / "set"
    assert bench("export", "data", "color:shift=noise", "--n", "40", "--seed", "3", "--out", out) == 0
    assert capsys.readouterr() == ("", f"wrote {out}/pairs.csv: 40 pairs of 80 images\n")
    source, rows = build_domain("color:shift=noise").draw("test", 3, 40), rows_of(out)
    assert source.strata is not None
    assert [row["label"] == "same" for row in rows] == (source.label == 1).tolist()
    assert [row["stratum"] for row in rows] == [source.strata.names[index] for index in source.strata.index.tolist()]
    assert [row["a_class"] for row in rows] == [("circle", "square")[i] for i in source.a.latents["class"].tolist()]
    for column, value in (
        ("a_radius", source.a.latents["radius"]),
        ("b_ground_color_1", source.b.latents["ground_color"][:, 1]),
    ):
        assert torch.equal(torch.tensor([float(row[column]) for row in rows]), value.float())
    read = build_domain(f"pairs:{out}/pairs.csv")
    seen = set()
    for split in ("train", "val", "test"):
        drawn = read.draw(split, 0, 60)
        number = drawn.a.latents["pair"]
        seen |= set(number.tolist())
        assert torch.equal(drawn.label, source.label[number])
        for back, images in ((drawn.a, source.a), (drawn.b, source.b)):
            assert torch.equal(back.pixels, images.pixels[number])
    assert seen == set(range(40))


def test_the_folder_that_it_names_itself_can_be_read_back(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bench("export", "data", "shapes:k=16", "--n", "40") == 0
    (written,) = tmp_path.iterdir()
    assert build_domain(f"pairs:{written.name}/pairs.csv").draw("test", 0, 8)


def test_images_that_pairs_share_are_one_file_and_the_splits_are_kept(
    bench: Bench, capsys: Captured, tmp_path: Path
) -> None:
    out = tmp_path / "digits"
    assert bench("export", "data", "digits", "--n", "120", "--split", "test,train,val", "--out", out) == 0
    rows, files = rows_of(out), sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))
    assert f"{len(rows)} pairs of {len(files)} images" in capsys.readouterr().err
    assert len({frozenset((row["a"], row["b"])) for row in rows}) == len(rows)
    assert {row[side] for row in rows for side in "ab"} == set(files)
    assert len(files) < 2 * len(rows)
    pixels = {name: np.asarray(Image.open(out / name)).tobytes() for name in files}
    for split in ("train", "val", "test"):
        drawn = build_domain("digits").draw(split, 0, 120)
        a, b = ([image.permute(1, 2, 0).numpy().tobytes() for image in side.pixels] for side in (drawn.a, drawn.b))
        drawn_pairs = set(zip(a, b, drawn.label.tolist(), strict=True))
        own = {
            (pixels[row["a"]], pixels[row["b"]], int(row["label"] == "same")) for row in rows if row["split"] == split
        }
        assert own <= drawn_pairs
        assert {frozenset(pair[:2]) for pair in own} == {frozenset(pair[:2]) for pair in drawn_pairs}
    read = build_domain(f"pairs:{out}/pairs.csv")
    assert read.test_pairs is not None
    assert read.test_pairs <= sum(row["split"] == "test" for row in rows)


def test_bad_input_is_one_line(bench: Bench, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").touch()
    for arguments, message in {
        ("color", "--out", "full"): "full: is not empty; expected a new folder, --out DIR",
        ("color", "--split", "warmup"): "--split: unknown 'warmup'; allowed: train, val, test",
        ("colour",): "unknown domain 'colour': did you mean color",
    }.items():
        assert bench("export", "data", *arguments) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
