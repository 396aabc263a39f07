"""Weights of a warm-up are loaded as they were saved, into every model that starts from them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bench.backbones import create_backbone
from bench.fusion import MapShape
from bench.model import build_model
from bench.spec import parse_spec
from bench.training.warmup import Warmup, load_into

Ask = Callable[..., Warmup]
BACKBONE = "mobilenetv3_small_32"
RGB = MapShape(3, 32, 32)


def weights(made: Warmup) -> dict[str, Tensor]:
    return torch.load(made.path, weights_only=True)


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return set(first) == set(second) and all(torch.equal(value, second[name]) for name, value in first.items())


def pixels(n: int, channels: int = 3) -> Tensor:
    return torch.randn(n, channels, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str], Path]:
    """State dict of a backbone whose every tensor differs from its initialisation."""

    def save(name: str) -> Path:
        torch.manual_seed(7)
        tower = create_backbone(name, RGB)
        with torch.no_grad():
            for value in tower.state_dict().values():
                if value.is_floating_point():
                    value.add_(torch.rand_like(value) * 0.1)
        path = tmp_path / f"{name}.pt"
        torch.save(tower.state_dict(), path)
        return path

    return save


def test_loaded_weights_are_the_saved_ones(ask: Ask) -> None:
    made = ask()
    torch.manual_seed(99)
    tower = create_backbone(BACKBONE, RGB)
    assert not equal(tower.state_dict(), weights(made))
    load_into(tower, made.path)
    assert equal(tower.state_dict(), weights(made))


@pytest.mark.parametrize("name", [BACKBONE, "resnet18", "tiny_vit"])
@pytest.mark.parametrize("reads", ["map", "tokens"])
def test_a_backbone_that_dropped_layers_takes_what_it_has(name: str, reads: str, saved: Callable[[str], Path]) -> None:
    path = saved(name)
    whole, part = create_backbone(name, RGB).eval(), create_backbone(name, RGB).eval()
    part.keep_only(reads)
    load_into(whole, path)
    load_into(part, path)
    with torch.no_grad():
        assert torch.equal(whole.read(pixels(2), reads), part.read(pixels(2), reads))


@pytest.mark.parametrize("name", [BACKBONE, "resnet18", "tiny_vit"])
def test_a_stem_for_two_images_starts_as_the_stem_for_one(name: str, saved: Callable[[str], Path]) -> None:
    """The same image twice gives the activations that the image alone gives; either image counts alike."""
    path = saved(name)
    one, two = create_backbone(name, RGB).eval(), create_backbone(name, MapShape(6, 32, 32)).eval()
    load_into(one, path)
    load_into(two, path)
    x, y = pixels(4).chunk(2)
    with torch.no_grad():
        assert torch.allclose(two.lower(torch.cat([x, x], 1), -1), one.lower(x, -1), atol=1e-4)
        assert torch.allclose(two.lower(torch.cat([x, y], 1), -1), two.lower(torch.cat([y, x], 1), -1), atol=1e-4)
        twice, alone = two.read(torch.cat([x, x], 1), "embedding"), one.read(x, "embedding")
        assert torch.allclose(twice, alone, rtol=1e-3, atol=1e-3)
        # Standardised images that have nothing to do with each other keep the scale to within its square root.
        ratio = two.lower(torch.cat([x, y], 1), -1).std() / one.lower(x, -1).std()
        assert 0.5 < float(ratio) < 1.5


@pytest.mark.parametrize("channels", [1, 2])
def test_a_stem_for_grey_images_answers_as_that_for_colours(channels: int, saved: Callable[[str], Path]) -> None:
    """One grey image, or the same one twice, gives what it gives in three equal channels."""
    path = saved(BACKBONE)
    colours, grey = (create_backbone(BACKBONE, MapShape(of, 32, 32)).eval() for of in (3, channels))
    load_into(colours, path)
    load_into(grey, path)
    x = pixels(2, 1)
    with torch.no_grad():
        given, expected = (x.expand(-1, of, -1, -1) for of in (channels, 3))
        assert torch.allclose(grey.lower(given, -1), colours.lower(expected, -1), atol=1e-4)


def test_a_stem_of_grey_images_serves_several(tmp_path: Path) -> None:
    one, three = (create_backbone(BACKBONE, MapShape(of, 32, 32)).eval() for of in (1, 3))
    torch.save(one.state_dict(), tmp_path / "grey.pt")
    load_into(three, tmp_path / "grey.pt")
    x = pixels(2, 1)
    with torch.no_grad():
        assert torch.allclose(three.lower(x.expand(-1, 3, -1, -1), -1), one.lower(x, -1), atol=1e-4)


@pytest.mark.parametrize("fusion", ["concat", "two_channel", "fmap_diff"])
def test_models_start_from_a_warm_up(ask: Ask, fusion: str) -> None:
    made = ask()
    model = build_model(parse_spec(fusion), BACKBONE, seed=1)
    load_into(model.backbone, made.path)
    loaded, kept = model.backbone.state_dict(), weights(made)
    same = [name for name in loaded if loaded[name].shape == kept[name].shape]
    assert all(torch.equal(loaded[name], kept[name]) for name in same)
    assert len(same) >= len(loaded) - (fusion == "two_channel")


def test_loading_leaves_the_file_as_it_was(ask: Ask) -> None:
    made = ask()
    before = made.path.read_bytes()
    load_into(create_backbone(BACKBONE, MapShape(6, 32, 32)), made.path)
    assert made.path.read_bytes() == before
    assert os.access(made.path, os.R_OK)
