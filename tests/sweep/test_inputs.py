"""What models are given: under the frozen protocol, encodings that do not depend on who asked first."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
import torch

from bench.backbones import BACKBONES, create_backbone
from bench.domain import DOMAINS, build_domain
from bench.fusion import FUSIONS as ZOO
from bench.model import IMAGE, PairModel, build_model
from bench.spec import parse_spec
from bench.sweep import inputs as module
from bench.sweep.cache import Cache
from bench.sweep.cell import Cell
from bench.training.recipe import Recipe
from bench.training.warmup import WarmupSpec

FUSIONS = {
    "map": "fmap_diff",
    "tokens": "cross_attention",
    "embedding": "abs_diff",
    "stage": "attention_gate:map_stage=0",
}
PAIRS = 40


@pytest.fixture(autouse=True)
def _nothing_encoded_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_encodings", Cache(module.ENCODED_BYTES, module._bytes))
    monkeypatch.setattr(module, "ENCODE_BATCH", 32)  # two batches, the second of which is smaller


def cell_of(fusion: str, backbone: str) -> Cell:
    color, warmup = DOMAINS.settle("color"), WarmupSpec.declared("none", backbone, "color")
    names = ZOO.settle(fusion), BACKBONES.settle(backbone), color
    return Cell(*names, 0, "frozen", Recipe(), warmup, (color,), PAIRS)


def given(fusion: str, backbone: str) -> tuple[PairModel, tuple[torch.Tensor, torch.Tensor], int]:
    """A model, its inputs, and how many images its backbone encoded for them from the pixels on."""
    model, images = build_model(parse_spec(fusion), backbone, seed=0), []
    assert model.backbone is not None
    model.backbone.stem.register_forward_hook(lambda stem, args, result: images.append(len(args[0])))
    found = module.inputs(cell_of(fusion, backbone), model, None, DOMAINS.settle("color"), "test")
    return model, found, sum(images)


@pytest.mark.parametrize("backbone", ["mobilenetv3_small_32", "tiny_vit"])
@pytest.mark.parametrize("order", list(permutations(["map", "tokens", "embedding"])))
def test_frozen_inputs_are_what_the_model_encodes_and_pixels_are_encoded_once(
    order: tuple[str, ...], backbone: str
) -> None:
    pairs = build_domain("color").draw("test", 0, PAIRS)
    for place, name in enumerate(order):
        model, found, encoded = given(FUSIONS[name], backbone)
        model.eval()
        assert encoded == (0 if place else 2 * PAIRS)
        with torch.no_grad():
            for side, images in zip(found, (pairs.a.pixels, pairs.b.pixels), strict=True):
                parts = [model.encode(part) for part in images.split(module.ENCODE_BATCH)]
                assert torch.equal(side, torch.cat(parts))


def test_another_stage_is_encoded_by_itself() -> None:
    _, deepest, _ = given(FUSIONS["map"], "mobilenetv3_small_32")
    _, early, encoded = given(FUSIONS["stage"], "mobilenetv3_small_32")
    assert encoded == 2 * PAIRS
    assert early[0].shape != deepest[0].shape


def test_embeddings_that_are_kept_need_no_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    _, embeddings, _ = given(FUSIONS["embedding"], "mobilenetv3_small_32")
    monkeypatch.setattr(module._encodings, "_limit", module._bytes(embeddings))
    given(FUSIONS["embedding"], "mobilenetv3_small_32")
    assert len(module._encodings._kept) == 1
    _, again, encoded = given(FUSIONS["embedding"], "mobilenetv3_small_32")
    assert encoded == 0
    assert again[0] is embeddings[0]


def test_a_random_encoder_shares_no_encodings_with_a_trained_one() -> None:
    given(FUSIONS["embedding"], "mobilenetv3_small_32")
    _, _, encoded = given("random_encoder", "mobilenetv3_small_32")
    assert encoded == 2 * PAIRS


def test_an_embedding_settled_on_other_training_images_shares_no_encodings(tmp_path: Path) -> None:
    backbone, color = "mobilenetv3_small_32", DOMAINS.settle("color")
    state = create_backbone(backbone, IMAGE).state_dict()
    torch.save({name: value for name, value in state.items() if not name.startswith("embedding.")}, tmp_path / "w.pt")
    pixels = build_domain("color").draw("test", 0, PAIRS).a.pixels
    warmup = WarmupSpec.declared(f"file:{tmp_path / 'w.pt'}", backbone, "color")
    for train_pairs in (32, 64):
        recipe = Recipe(train_pairs=train_pairs, batch_size=8)
        cell = replace(cell_of(FUSIONS["embedding"], backbone), recipe=recipe, warmup=warmup)
        model = build_model(cell.fusion, backbone, weights=cell.weights)
        module.settle_embedding(cell, model)
        found, _ = module.inputs(cell, model, None, color, "test")
        with torch.no_grad():
            parts = [model.encode(part) for part in pixels.split(module.ENCODE_BATCH)]
        assert torch.equal(found, torch.cat(parts))


def test_a_mask_has_the_channels_of_the_images() -> None:
    for domain, channels in (("color", 3), ("color:channels=1", 1)):
        images = build_domain(domain).draw("test", 0, 2).a
        masks = module.view(domain, images, "mask")
        assert masks.shape == (2, channels, 32, 32)
        assert all(torch.equal(masks[:, place], images.latents["mask"]) for place in range(channels))


def test_draws_are_kept_by_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    size = module._bytes_of_pairs(build_domain("color").draw("test", 0, PAIRS))
    assert size > 2 * PAIRS * 3 * 32 * 32
    monkeypatch.setattr(module, "_draws", Cache(2.5 * size, module._bytes_of_pairs))
    for seed in range(4):
        module.draw("color", "test", seed, PAIRS)
    assert len(module._draws._kept) == 2
