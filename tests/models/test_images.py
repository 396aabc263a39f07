"""Images of users are seen by a stored model as the domains of their files see them."""

import numpy as np
import pytest
import torch
from PIL import Image

from bench.domain import build_domain
from bench.errors import UsageError
from bench.fusion import MapShape
from bench.models.images import images_of, paired

SHAPE = MapShape(3, 32, 32)


@pytest.fixture
def files(tmp_path):
    """Two classes of images of many kinds."""
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (70, 97, 3), dtype=np.uint8))
    rotated = Image.Exif()
    rotated[0x0112] = 6
    written = {
        "a/large.jpg": (noise.resize((400, 300)), {}),
        "a/turned.jpg": (noise, {"exif": rotated}),
        "a/grey.png": (noise.convert("L"), {}),
        "b/palette.gif": (noise.convert("P"), {}),
        "b/clear.png": (noise.convert("RGBA"), {}),
        "b/printed.tiff": (noise.convert("CMYK"), {}),
    }
    clear = noise.convert("RGBA")
    clear.putalpha(noise.convert("L"))
    written["b/half.png"] = clear, {}
    for number in range(3):  # as many as folds need
        plain = Image.fromarray(rng.integers(0, 256, (16, 16 + number, 3), dtype=np.uint8))
        written |= {f"{name}/{number}.png": (plain.rotate(90 * (name == "b")), {}) for name in "ab"}
    for name, (image, options) in written.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        image.save(tmp_path / name, **options)
    return [tmp_path / name for name in sorted(written)]


def test_a_file_is_prepared_as_the_domain_folder_does(files):
    domain = build_domain(f"folder:{files[0].parents[1]}")
    assert torch.equal(images_of(files, SHAPE), domain.collection)


def test_paths_pictures_arrays_and_tensors_are_the_same_image(files):
    expected = images_of(files[0], SHAPE)
    with Image.open(files[0]) as opened:
        assert torch.equal(images_of(opened, SHAPE), expected)
    array = expected[0].permute(1, 2, 0).numpy()
    for given in (str(files[0]), array, array[None], expected, expected[0], [array]):
        assert torch.equal(images_of(given, SHAPE), expected)
    assert images_of([array, *expected, files[0]], SHAPE).shape == (3, *expected.shape[1:])
    grey = images_of(files, MapShape(1, 20, 24))
    assert grey.shape == (13, 1, 20, 24)


def test_a_name_that_begins_like_a_home_is_that_of_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (9, 9)).save("~$nobody.png")
    assert images_of(["~$nobody.png"], SHAPE).shape[0] == 1
    with pytest.raises(UsageError, match=r"^no\\nfile\.png: No such file or directory$"):
        images_of(["no\nfile.png"], SHAPE)


def test_one_image_meets_each_of_several():
    one, three = torch.zeros(1, 3, 2, 2), torch.arange(3)[:, None, None, None].expand(3, 3, 2, 2)
    a, b = paired(one, three)
    assert a.shape == b.shape == (3, 3, 2, 2)
    with pytest.raises(UsageError, match="3 images and 2 images"):
        paired(three, three[:2])


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "note.png").write_text("no picture")
    Image.fromarray(np.zeros((9, 9), np.uint16)).save(tmp_path / "deep.png")
    for given, why in (
        (tmp_path / "note.png", "not a readable image"),
        (tmp_path / "none.png", "No such file"),
        (tmp_path / "deep.png", "more than 8 bits"),
        (np.zeros((4, 4, 3)), "expected uint8"),
        (torch.zeros(5, 4, 4, dtype=torch.uint8), "expected uint8"),
        (np.zeros((0, 4, 3), np.uint8), "without pixels"),
        (3, "not int"),
        ([], "no images"),
    ):
        with pytest.raises(UsageError, match=why):
            images_of(given, SHAPE)
