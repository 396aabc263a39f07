"""A user's damaged files: found when the domain is built, in one line that names them in words of this program."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest
from PIL import Image

from bench.domain import build_domain
from bench.errors import UsageError
from bench.foreign import in_one_line


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of eight images."""
    for number in range(16):
        file = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (number, 0, 0)).save(file)
    return tmp_path / "photos"


def refusal(domain: str) -> str:
    with pytest.raises(UsageError) as caught:
        build_domain(domain)
    (line,) = str(caught.value).splitlines()
    return line


def test_a_name_that_is_not_utf8_is_named_with_an_escape(photos: Path) -> None:
    os.rename(photos / "a" / "0.png", os.fsencode(photos / "a") + b"/\xe9.png")
    assert refusal(f"folder:{photos}").endswith(r"the name of a file is not UTF-8: a/\udce9.png; rename it")


def test_a_file_that_is_no_image_is_told_without_the_words_of_the_library(photos: Path) -> None:
    (photos / "a" / "0.png").write_bytes(b"")
    assert refusal(f"folder:{photos}") == f"folder {photos}: a/0.png is not a readable image (its format is not known)"


@pytest.mark.parametrize("row", ["a" * 300 + ".png,a", "a/\0.png,a", "b/\x1b[31m.png,a"])
def test_names_in_a_list_that_no_file_can_have(photos: Path, row: str) -> None:
    (photos / "list.csv").write_text(f"file,class\n{row}\n")
    line = refusal(f"folder:{photos / 'list.csv'}")
    assert "list.csv" in line
    assert line.isprintable()


def test_a_path_that_is_too_long(tmp_path: Path) -> None:
    for domain in ("folder:path", "cifar10:root", "texture:textures"):
        assert refusal(f"{domain}={'a' * 300}").endswith(": File name too long")


def test_an_image_of_too_many_pixels_among_textures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (200, 200)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert refusal(f"texture:textures={tmp_path}").endswith("an image of more than 2,000 pixels")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "x: it needs more memory than there is"),
        (PermissionError(13, "Permission denied", "/photos/a.png"), "x: /photos/a.png: Permission denied"),
        (OSError("broken data stream"), "x: broken data stream"),
        (KeyError("k\x1b"), r"x: KeyError: 'k\\x1b' \(test_foreign.py, line \d+\)"),
        (UsageError("two\nlines"), r"two\\nlines"),
    ],
)
def test_every_error_is_one_line(error: Exception, words: str) -> None:
    with pytest.raises(UsageError, match=f"^{words}$"), in_one_line("x"):
        raise error


def test_an_interrupt_is_none_of_them() -> None:
    with pytest.raises(KeyboardInterrupt), warnings.catch_warnings(), in_one_line("x"):
        raise KeyboardInterrupt
