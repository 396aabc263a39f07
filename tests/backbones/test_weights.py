"""Weights that others trained: of an installed package, in a file; and how images are prepared for them."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from shutil import copyfile

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from bench.backbones import create_backbone
from bench.backbones.preparation import Preparation, Scale
from bench.backbones.weights import PACKAGES, SIZE, from_file, published
from bench.errors import UsageError
from bench.fusion import MapShape
from bench.model import IMAGE, build_model
from bench.spec import parse_spec

LITE = "tf_efficientnet_lite0"
needs_package = pytest.mark.skipif(PACKAGES[LITE].locate() is None, reason="needs pip install 'fusebench[pretrained]'")
MODEL = "lcnet_035"
BACKBONE = f"timm:{MODEL}"


@pytest.fixture(scope="module")
def classifier() -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return timm.create_model(MODEL).eval()


@pytest.fixture(scope="module")
def state(classifier: torch.nn.Module) -> dict[str, Tensor]:
    return classifier.state_dict()


def images(n: int = 2, size: int = 32) -> Tensor:
    return torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def features(model: torch.nn.Module, x: Tensor) -> Tensor:
    """The last map of the blocks of a timm classifier."""
    return model.blocks(model.bn1(model.conv_stem(x)))


@needs_package
def test_the_classifier_of_the_package_names_two_photographs() -> None:
    """The tensors fit timm's model one to one in their order: palace is class 698 of ImageNet, daisy 985."""
    from sklearn.datasets import load_sample_images

    weights = published(f"timm:{LITE}")
    assert weights.file is not None
    assert weights.preparation.scale is not None
    loaded = torch.load(weights.file, weights_only=True)
    model = timm.create_model(LITE).eval()
    model.load_state_dict(dict(zip(model.state_dict(), loaded.values(), strict=True)))
    for photograph, name in zip(load_sample_images().images, (698, 985), strict=True):
        pixels = torch.from_numpy(photograph.copy()).permute(2, 0, 1)[None]
        side = min(pixels.shape[2:])
        top, left = ((size - side) // 2 for size in pixels.shape[2:])
        square = weights.preparation.scale(
            pixels[..., top : top + side, left : left + side], torch.float32, torch.contiguous_format
        )
        with torch.no_grad():
            scores = model(F.interpolate(square, (224, 224), mode="bilinear", antialias=True))
        assert int(scores.argmax()) == name


@needs_package
def test_the_backbone_computes_what_the_classifier_computes_of_enlarged_images() -> None:
    weights = published(f"timm:{LITE}")
    assert weights.file is not None
    model = timm.create_model(LITE).eval()
    values = torch.load(weights.file, weights_only=True).values()
    model.load_state_dict(dict(zip(model.state_dict(), values, strict=True)))
    pair = build_model(parse_spec("fmap_diff"), f"timm:{LITE}", weights=weights).eval()
    large = F.interpolate((images() - 127.0) / 128, (SIZE, SIZE), mode="bilinear", align_corners=False)
    with torch.no_grad():
        assert torch.allclose(pair.encode(images()), features(model, large), atol=1e-4)
    assert pair.backbone is not None
    assert (pair.backbone.spec.image, pair.backbone.spec.map) == (IMAGE, MapShape(320, 4, 4))


@pytest.mark.parametrize("kind", ["plain", "module.", "state_dict", "safetensors", "headless"])
def test_a_file_in_any_wrapping_is_loaded(
    tmp_path: Path, classifier: torch.nn.Module, state: dict[str, Tensor], kind: str
) -> None:
    file = tmp_path / ("weights.safetensors" if kind == "safetensors" else "weights.pth")
    if kind == "safetensors":
        save_file(state, file)
    elif kind == "module.":
        torch.save({f"module.{name}": value for name, value in state.items()}, file)
    elif kind == "headless":
        torch.save({name: value for name, value in state.items() if "classifier" not in name}, file)
    else:
        torch.save({"state_dict": state, "epoch": 3} if kind == "state_dict" else state, file)
    backbone = create_backbone(BACKBONE, IMAGE, from_file(str(file), BACKBONE, "standardise")).eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(backbone.lower(x, len(backbone.stages) - 1), features(classifier, x), atol=1e-5)


def test_the_state_dict_of_a_backbone_itself(tmp_path: Path) -> None:
    """As a warm-up of this program leaves it: with the embedding, and nothing enlarged."""
    file = tmp_path / "backbone.pt"
    torch.manual_seed(5)
    torch.save(create_backbone("mobilenetv3_small_32", IMAGE).state_dict(), file)
    weights = from_file(str(file), "mobilenetv3_small_32")
    assert weights.preparation == Preparation()
    found = create_backbone("mobilenetv3_small_32", IMAGE, weights).state_dict()
    assert all(torch.equal(found[name], value) for name, value in torch.load(file, weights_only=True).items())


def test_the_backbone_of_a_stored_model(tmp_path: Path) -> None:
    """It says itself how images are prepared; what was given wins."""
    file, prepared = tmp_path / "model.safetensors", Preparation(Scale((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)), 48)
    state = create_backbone("mobilenetv3_small_32", IMAGE).state_dict()
    own = {f"backbone.{name}": value for name, value in state.items()}
    save_file({**own, "head.weight": torch.zeros(3)}, file, {"preparation": json.dumps(asdict(prepared))})
    weights = from_file(str(file), "mobilenetv3_small_32")
    assert weights.preparation == prepared
    assert from_file(str(file), "mobilenetv3_small_32", "standardise").preparation == Preparation()
    assert from_file(str(file), "mobilenetv3_small_32", size=64).preparation == replace(prepared, size=64)
    found = create_backbone("mobilenetv3_small_32", IMAGE, weights)
    assert found.preparation == prepared
    assert all(torch.equal(found.state_dict()[name], value) for name, value in state.items())
    for text, why in (('{"scale": 3}', "none"), ("no JSON", "none"), ('{"size": 99999}', "99999 pixels")):
        save_file(own, file, {"preparation": text})
        with pytest.raises(UsageError, match=why):
            from_file(str(file), "mobilenetv3_small_32")


def test_a_state_dict_of_a_backbone_that_lacks_a_tensor(tmp_path: Path) -> None:
    state = create_backbone("mobilenetv3_small_32", IMAGE).state_dict()
    torch.save(_without(state, "stem.1.bias"), tmp_path / "w.pt")
    with pytest.raises(UsageError, match=r"1 of the \d+ tensors of the backbone do not fit: missing: stem.1.bias"):
        create_backbone("mobilenetv3_small_32", IMAGE, from_file(str(tmp_path / "w.pt"), "mobilenetv3_small_32"))


def test_a_joined_image_gets_the_stem_repeated(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save(state, tmp_path / "w.pt")
    weights = from_file(str(tmp_path / "w.pt"), BACKBONE)
    model = build_model(parse_spec("two_channel"), BACKBONE, weights=weights).eval()
    assert model.backbone is not None
    kernel = model.backbone.state_dict()["stem.0.weight"]
    assert torch.allclose(kernel[:, :3], state["conv_stem.weight"] / 2)
    assert torch.allclose(kernel[:, :3], kernel[:, 3:])
    with torch.no_grad():
        assert model(images(), images()).shape == (2,)


def test_what_identifies_a_file_is_its_content(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save(state, tmp_path / "a.pt")
    copyfile(tmp_path / "a.pt", tmp_path / "b.pt")
    torch.save(state | {"bn1.bias": state["bn1.bias"] + 1}, tmp_path / "c.pt")
    first, moved, other = (from_file(str(tmp_path / f"{name}.pt"), BACKBONE).identity() for name in "abc")
    assert first == moved != other
    assert from_file(str(tmp_path / "a.pt"), BACKBONE, size=64).identity() != first


def _without(state: dict[str, Tensor], *names: str) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: _without(state, "bn1.bias"), r"1 of the \d+ tensors .* do not fit: missing: bn1.bias"),
        (lambda state: state | {"bn1.bias": torch.zeros(3)}, "another shape: bn1.bias 3, expected 8"),
        (
            lambda state: state | {"bn1.bias": torch.full((8,), torch.nan)},
            r"^[^:]*: 1 of .* fit: not finite: bn1.bias$",
        ),
        (lambda state: {"a": torch.zeros(1)}, r"missing: conv_stem.weight, bn1.weight, bn1.bias and \d+ more"),
        (lambda state: [1, 2], "holds no tensors by name"),
        (lambda state: Path, "cannot be read as tensors alone"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(tmp_path: Path, state: dict[str, Tensor], change, message: str) -> None:
    file = tmp_path / "w.pt"
    torch.save(change(state), file)
    with pytest.raises(UsageError, match=message) as caught:
        create_backbone(BACKBONE, IMAGE, from_file(str(file), BACKBONE))
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file of weights"):
        from_file(str(tmp_path / "none.pt"), BACKBONE)
    for name in ("text.pt", "text.safetensors"):
        (tmp_path / name).write_text("weights")
        with pytest.raises(UsageError, match=name):
            create_backbone(BACKBONE, IMAGE, from_file(str(tmp_path / name), BACKBONE))


def test_the_random_control_sees_the_same_images(tmp_path: Path, state: dict[str, Tensor]) -> None:
    torch.save(state, tmp_path / "w.pt")
    weights = from_file(str(tmp_path / "w.pt"), BACKBONE)
    trained, control = (
        build_model(parse_spec(name), BACKBONE, weights=weights) for name in ("abs_diff", "random_encoder")
    )
    assert torch.equal(trained.normalised(images()), control.normalised(images()))
    assert trained.backbone is not None
    assert control.backbone is not None
    assert trained.backbone.spec == control.backbone.spec
    kernels = [model.backbone.state_dict()["stem.0.weight"] for model in (trained, control)]
    assert torch.equal(kernels[0], state["conv_stem.weight"])
    assert not torch.equal(kernels[1], kernels[0])


def test_scale_and_size_recomputed() -> None:
    preparation = Preparation(Scale.of_shares((0.5, 0.4, 0.3), (0.2, 0.25, 0.5)), 48)
    found = preparation.normalise(images(), torch.float64, torch.contiguous_format)
    for channel, (mean, deviation) in enumerate(((0.5, 0.2), (0.4, 0.25), (0.3, 0.5))):
        assert torch.allclose(found[:, channel], (images()[:, channel].double() / 255 - mean) / deviation)
    grey = preparation.normalise(images()[:, :1], torch.float64, torch.contiguous_format)
    assert torch.allclose(grey, (images()[:, :1].double() / 255 - 0.4) / (0.95 / 3))
    assert preparation.enlarge(found).shape == (2, 3, 48, 48)
    assert preparation.enlarge(torch.zeros(1, 6, 32, 64)).shape == (1, 6, 48, 96)
    assert preparation.enlarge(torch.zeros(1, 3, 64, 64)).shape == (1, 3, 64, 64)
