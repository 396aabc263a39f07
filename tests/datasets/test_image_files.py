"""Which of a user's files are read, how, and what is said about those that cannot be."""

import importlib
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import zoo
from bench.errors import UsageError

zoo.load()
files = importlib.import_module("_fusebench_plugins.datasets.image_files")


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def ramp(height: int, width: int) -> np.ndarray:
    """Red grows to the right, green downwards."""
    row, column = np.mgrid[0:height, 0:width]
    return np.stack([column * 255 // (width - 1), row * 255 // (height - 1), 0 * row], -1).astype(np.uint8)


def read_one(path: Path, size: int = 16) -> np.ndarray:
    listed = files.ImageFiles("folder here", path.parent, (path.name,), ("x",), (path.name,))
    return files.read_images(listed, size)[0][0].permute(1, 2, 0).numpy().astype(int)


def test_folders_within_class_folders_count_and_other_files_do_not(tmp_path: Path) -> None:
    save(tmp_path / "ant" / "deep" / "1.png", ramp(8, 8))
    save(tmp_path / "bee" / "2.JPG", ramp(8, 8))
    save(tmp_path / "bee" / ".hidden.png", ramp(8, 8))
    save(tmp_path / ".cache" / "3.png", ramp(8, 8))
    save(tmp_path / "bee" / ".thumbnails" / "2.png", ramp(8, 8))
    save(tmp_path / "loose.png", ramp(8, 8))
    (tmp_path / "bee" / "notes.txt").write_text("no image")
    listed = files.list_files(tmp_path)
    assert listed.files == ("ant/deep/1.png", "bee/2.JPG")
    assert listed.classes == ("ant", "bee")
    assert listed.groups is None


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize(("height", "width"), [(40, 80), (80, 40), (500, 1000)])
def test_the_middle_square_is_kept(tmp_path: Path, suffix: str, height: int, width: int) -> None:
    pixels = read_one(save(tmp_path / f"wide.{suffix}", ramp(height, width)))
    short = min(height, width)
    for channel, extent in ((0, width), (1, height)):
        profile = pixels[..., channel].mean(axis=channel)
        centres = (extent - short) / 2 + (np.arange(16) + 0.5) * short / 16
        assert profile == pytest.approx(centres * 255 / extent, abs=6)


def test_photographs_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to see it upright
    pixels = read_one(save(tmp_path / "turned.jpg", ramp(64, 64), exif=exif, quality=95))
    upright = np.rot90(ramp(64, 64), -1)[2::4, 2::4].astype(int)
    assert np.abs(pixels - upright).mean() < 6


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_other_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("image.tiff" if mode == "CMYK" else "image.png")
    Image.fromarray(ramp(20, 20)).convert(mode).save(path)
    assert read_one(path).shape == (16, 16, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white_whatever_colours_it_has(tmp_path: Path, mode: str) -> None:
    picture = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (0, 0, 16, 8))
    picture.convert(mode).save(tmp_path / "logo.png")
    pixels = read_one(tmp_path / "logo.png")
    assert (pixels[:8] == 0).all()
    assert (pixels[8:] == 255).all()


def test_sixteen_bits_are_refused_instead_of_cut_off(tmp_path: Path) -> None:
    path = save(tmp_path / "deep.png", np.full((20, 20), 30_000, np.uint16))
    in_colours = tmp_path / "colours.png"
    in_colours.write_bytes(png_of_16_bits())
    for file in (path, in_colours):
        with pytest.raises(UsageError, match=rf"{file.name} has more than 8 bits per channel"):
            read_one(file)


def test_sixteen_bits_for_all_three_colours_are_read(tmp_path: Path) -> None:
    header = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 16, 3, 128, 2835, 2835, 0, 0)
    masks, pixels = struct.pack("<III", 0xF800, 0x07E0, 0x001F), b"\x00\xf8" * 64
    start = 14 + len(header) + len(masks)
    file = b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + masks + pixels
    (tmp_path / "red.bmp").write_bytes(file)
    assert read_one(tmp_path / "red.bmp").reshape(-1, 3).mean(axis=0) == pytest.approx([255, 0, 0], abs=8)


def png_of_16_bits() -> bytes:
    """Three channels of 16 bits, which Pillow reads and does not write."""
    lines = b"".join(b"\0" + bytes(20 * 6) for _ in range(20))
    parts = (b"IHDR", struct.pack(">IIBBBBB", 20, 20, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("damage", ["text", "truncated", "empty"])
def test_an_unreadable_file_is_named(tmp_path: Path, damage: str) -> None:
    path = save(tmp_path / "ant" / "bad.png", ramp(64, 64))
    content = {"text": b"no image", "truncated": path.read_bytes()[:80], "empty": b""}[damage]
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"ant/bad.png is not a readable image") as caught:
        files.read_images(files.list_files(tmp_path), 16)
    assert "\n" not in str(caught.value)


def test_copies_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "ant" / "1.png", ramp(20, 20))
    shutil.copy(path, tmp_path / "ant" / "2.png")
    with pytest.raises(UsageError, match=r"ant/2.png and ant/1.png are the same image; keep one of them"):
        files.read_images(files.list_files(tmp_path), 16)


def test_a_folder_without_images_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no images found; expected one folder per class with files ending in .bmp"):
        files.list_files(tmp_path)


def test_a_file_that_is_no_csv_says_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("file,class\n")
    with pytest.raises(UsageError, match=r"list.txt is no folder and no CSV file; expected a folder of class folders"):
        files.list_files(tmp_path / "list.txt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,label\na.png,x\n", "no column file and no column class; expected file,class and .* found name, label"),
        ("file,group\na.png,x\n", "no column class; expected"),
        ("", "no column file and no column class; .* found nothing"),
        ("file,class\n", "no images found; expected a row per image"),
        ("file,class\na.png,x\nb.png,x\n", r"row 3: no file b.png in "),
        ("file,class\na.png,\n", "row 2 has no class"),
        ("file,class,group\na.png,x\n", "row 2 has no group"),
    ],
)
def test_a_csv_file_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    save(tmp_path / "a.png", ramp(20, 20))
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        files.list_files(tmp_path / "list.csv")
    assert "\n" not in str(caught.value)


def test_a_csv_file_may_start_with_a_byte_order_mark_and_have_other_columns(tmp_path: Path) -> None:
    save(tmp_path / "my images" / "a.png", ramp(20, 20))
    text = "class,file,camera,group\nant,my images/a.png,Leica,nest 1\n"
    (tmp_path / "list.csv").write_text(text, encoding="utf-8-sig")
    listed = files.list_files(tmp_path / "list.csv")
    assert (listed.files, listed.classes, listed.groups) == (("my images/a.png",), ("ant",), ("nest 1",))


def test_a_csv_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes("file,class\nä.png,x\n".encode("latin-1"))
    with pytest.raises(UsageError, match="not a readable CSV file in UTF-8"):
        files.list_files(tmp_path / "list.csv")
