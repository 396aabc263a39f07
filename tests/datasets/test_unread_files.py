"""What is said of files of the user that no class is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from bench import zoo
from bench.cli import app
from bench.domain import build_domain, unread_of

zoo.load()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three classes of ten images."""
    for number in range(30):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        path = tmp_path / "photos" / "abc"[number % 3] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return tmp_path / "photos"


def unread(path: Path) -> list[str]:
    lines = unread_of(build_domain(f"folder:{path}"))
    assert all(line.startswith(f"folder {path}: ") for line in lines)
    return [line.removeprefix(f"folder {path}: ") for line in lines]


def test_nothing_is_said_where_every_file_is_an_image_of_a_class(photos: Path) -> None:
    (photos / ".thumbnails").mkdir()
    (photos / ".thumbnails" / "a.heic").touch()
    (photos / "a" / ".DS_Store").touch()
    (photos / "readme.txt").touch()
    assert unread(photos) == []


def test_photos_of_an_unreadable_kind_are_counted_and_their_class_is_named(photos: Path) -> None:
    (photos / "phone").mkdir()
    for number in range(4):
        (photos / "phone" / f"{number}.HEIC").touch()
    (photos / "a" / "notes").touch()
    lines = unread(photos)
    assert lines[0].startswith("5 files are not read (4 .heic, 1 no ending); what is read ends in .bmp, ")
    assert lines[1:] == ["no class, as no image that can be read is in it: phone"]


def test_images_beside_the_class_folders_are_named(photos: Path) -> None:
    Image.new("RGB", (20, 20)).save(photos / "stray.png")
    assert unread(photos) == ["1 image is in no class folder and not read: stray.png"]


def test_a_list_names_what_is_read(photos: Path) -> None:
    (photos / "phone").mkdir()
    rows = [f"{file.relative_to(photos)},{file.parent.name}" for file in sorted(photos.glob("*/*.png"))]
    (photos / "all.csv").write_text("\n".join(["file,class", *rows]))
    assert unread(photos / "all.csv") == []


def test_a_sweep_says_it_before_it_starts(photos: Path, tmp_path: Path) -> None:
    (photos / "phone").mkdir()
    arguments = ["run", "--domain", f"folder:{photos}", "--fusion", "concat", "--out", str(tmp_path / "out")]
    ended = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert ended.exit_code == 0
    assert "no class, as no image that can be read is in it: phone" in ended.stderr.replace("\n", " ")
