"""What holds for every shift: the source's own pairs with one factor changed."""

import importlib
import math
from functools import cache

import pytest
import torch

from bench import zoo
from bench.domain import DOMAINS, Images, Pairs, build_domain
from bench.errors import UsageError

zoo.load()
scene_shifts = importlib.import_module("_fusebench_plugins.datasets.scene_shifts")
pixel_shifts = importlib.import_module("_fusebench_plugins.datasets.pixel_shifts")

N = 120
OTHER_CLASSES = {"near_shape", "novel"}
WITH_KINDS = {"occlusion", "cue_conflict", "sweep_radius", "sweep_contrast", "novel", *pixel_shifts.PIXEL_SHIFTS} - {
    "greyscale"
}
# The latents that each shift may change, besides the mask; nothing else may differ from the source.
PLACE = {"x", "y"}
CHANGES = {
    "smaller": {*PLACE, "radius"},
    "larger": {*PLACE, "radius"},
    "size_mismatch": {*PLACE, "radius"},
    "sweep_radius": {*PLACE, "radius"},
    "translated": PLACE,
    "axis_aligned": {"angle"},
    "diagonal": {"angle"},
    "aligned_pose": {*PLACE, "radius", "angle"},
    "jittered_pose": {*PLACE, "radius", "angle"},
}
SAME_MASK = {
    "inverted", "silhouette", "occlusion", "clutter", "cue_conflict", "sweep_contrast", "texture_boundary",
    *pixel_shifts.PIXEL_SHIFTS,
}  # fmt: skip
ONLY_B = {"aligned_pose", "jittered_pose", "cue_conflict", "noise-b", "blur-b", "contrast-b"}
ALL = [(name, shift) for name in ("color", "texture") for shift in DOMAINS.get(name)().shifts]
each_shift = pytest.mark.parametrize(("name", "shift"), ALL)
SCENE = [(name, shift) for name, shift in ALL if shift not in pixel_shifts.PIXEL_SHIFTS]
FILLED = [(name, shift) for name, shift in SCENE if shift != "outline"]
each_scene_shift = pytest.mark.parametrize(("name", "shift"), SCENE)


@cache
def drawn(text: str) -> Pairs:
    return build_domain(text).draw("val", 0, N)


def shifted(name: str, shift: str) -> Pairs:
    return drawn(f"{name}:shift={shift}")


def sides(pairs: Pairs) -> dict[str, Images]:
    return {"a": pairs.a, "b": pairs.b}


@each_shift
def test_a_pair_depends_on_its_number_alone(name: str, shift: str) -> None:
    start, n = 61, 59
    whole, part = shifted(name, shift), build_domain(f"{name}:shift={shift}").draw("val", 0, n, start)
    assert torch.equal(part.label, whole.label[start : start + n])
    for side, images in sides(part).items():
        assert torch.equal(images.pixels, sides(whole)[side].pixels[start : start + n])
        for key, value in images.latents.items():
            assert torch.equal(value, sides(whole)[side].latents[key][start : start + n]), key
    if part.strata is not None:
        assert torch.equal(part.strata.index, whole.strata.index[start : start + n])


@each_shift
def test_only_the_factor_it_names_differs_from_the_source(name: str, shift: str) -> None:
    source, changed = drawn(name), shifted(name, shift)
    free = {"mask", *CHANGES.get(shift, ())} | ({"class"} if shift in OTHER_CLASSES else set())
    for side, images in sides(changed).items():
        before = sides(source)[side].latents
        assert set(images.latents) == set(before)
        untouched = side == "a" and shift in ONLY_B
        for key in set(before) - (set() if untouched else free):
            assert torch.equal(images.latents[key], before[key]), (side, key)
        if untouched or shift in SAME_MASK:
            assert torch.equal(images.latents["mask"], before["mask"])
        if untouched:
            assert torch.equal(images.pixels, sides(source)[side].pixels)


@each_shift
def test_it_changes_the_images(name: str, shift: str) -> None:
    source, changed = drawn(name), shifted(name, shift)
    differ = (changed.b.pixels != sides(source)["b"].pixels).flatten(1).any(1).float().mean()
    if shift == "cue_conflict":  # the same shapes keep their own surfaces
        assert differ == 0.5
    else:
        assert differ > (0.75 if shift.startswith("sweep") else 0.9)  # one level of a sweep is the source itself


@each_shift
def test_half_of_the_pairs_are_same_and_the_label_is_right(name: str, shift: str) -> None:
    pairs = shifted(name, shift)
    first, second = pairs.a.latents["class"], pairs.b.latents["class"]
    assert torch.equal(pairs.label, (first == second).long())
    classes = build_domain(f"{name}:shift={shift}").classes
    whole_blocks = len(pairs) % (2 * len(classes) * (len(classes) - 1)) == 0
    assert pairs.label.double().mean() == pytest.approx(0.5, abs=0 if whole_blocks else 0.1)
    assert set(first.tolist()) == set(second.tolist()) == set(range(len(classes)))
    assert not whole_blocks or torch.bincount(first).tolist() == [len(pairs) // len(classes)] * len(classes)


@each_shift
def test_its_kinds_of_pairs_are_named(name: str, shift: str) -> None:
    strata = shifted(name, shift).strata
    assert (strata is not None) == (shift in WITH_KINDS)
    if strata is not None:
        assert len(set(strata.names)) == len(strata.names) > 1
        assert strata.index.shape == (N,)
        assert set(strata.index.tolist()) == set(range(len(strata.names)))


@pytest.mark.parametrize(
    "shift", ["occlusion", "cue_conflict", "sweep_radius", "sweep_contrast", "sweep_noise", "noise"]
)
def test_kinds_of_pairs_are_equally_frequent(shift: str) -> None:
    strata = build_domain(f"color:shift={shift}").draw("test", 0, 1200).strata
    count = torch.bincount(strata.index, minlength=len(strata.names)).double()
    mean = 1200 / len(strata.names)
    assert ((count - mean).abs() < 4 * mean**0.5).all()


@pytest.mark.parametrize(("name", "shift"), FILLED)
def test_no_figure_is_cut_off(name: str, shift: str) -> None:
    """The area under the mask is that of the whole figure."""
    for images in sides(shifted(name, shift)).values():
        area = images.latents["mask"].double().sum((1, 2)) / 255
        expected = math.pi * images.latents["radius"].double() ** 2
        assert ((area - expected).abs() < 0.04 * expected + 0.8).all()
        border = images.latents["mask"].clone()
        border[:, 1:-1, 1:-1] = 0
        assert border.max() <= 128  # the outline stays half a pixel inside


@each_shift
def test_the_warm_up_of_a_shift_is_that_of_its_source(name: str, shift: str) -> None:
    own, source = (build_domain(text).draw_named("warmup", 0, 8) for text in (f"{name}:shift={shift}", name))
    assert torch.equal(own.pixels, source.pixels)


@pytest.mark.parametrize("name", ["color", "texture"])
def test_every_shift_says_what_it_changes_in_one_line(name: str) -> None:
    shifts = build_domain(name).shifts
    assert all(what and "\n" not in what and not what.endswith(".") for what in shifts.values())
    assert len(set(shifts.values())) == len(shifts)
    assert ("texture_boundary" in shifts) == (name == "texture")


@pytest.mark.parametrize("name", ["color", "texture"])
@pytest.mark.parametrize("shift", ["sideways", "noise-6", "noise-0", "Noise", "greyscale-1"])
def test_an_unknown_shift_is_one_clear_line(name: str, shift: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: unknown shift '{shift}'; expected one of .*inverted") as caught:
        build_domain(f"{name}:shift={shift}")
    assert "\n" not in str(caught.value)


def test_a_shift_of_textures_is_none_of_colours() -> None:
    with pytest.raises(UsageError, match="color: unknown shift 'texture_boundary'"):
        build_domain("color:shift=texture_boundary")


def test_shifts_and_difficulties_go_together() -> None:
    easy, inverted = drawn("color:difficulty=easy"), drawn("color:difficulty=easy:shift=inverted")
    assert torch.equal(easy.a.latents["radius"], inverted.a.latents["radius"])
    assert not torch.equal(easy.a.pixels, inverted.a.pixels)
