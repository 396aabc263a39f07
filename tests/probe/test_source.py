"""Encoders: of stored models and of warm-ups."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench.backbones import create_backbone, standardise
from bench.domain import build_domain
from bench.errors import UsageError
from bench.model.encodings import pooled
from bench.models.files import CARD, read_card, stored_models
from bench.models.restore import restore
from bench.probe.source import of_model, of_warmup
from bench.training.warmup import WarmupSpec, answers, train

BACKBONE = "mobilenetv3_small_32"


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return build_domain("color").draw("test", 0, 40).a.pixels


def model_of(kept: Path, fusion: str) -> Path:
    return next(path for path in stored_models(kept / "models") if read_card(path).cell.fusion == fusion)


def spec(task: str) -> WarmupSpec:
    return WarmupSpec.declared(task, BACKBONE, "color", {"images": 64, "batch_size": 32})


def test_a_stored_model_encodes_as_it_does_for_its_pairs(kept: Path, images: torch.Tensor) -> None:
    path = model_of(kept, "concat")
    said: list[str] = []
    encoder = of_model(path, said.append)
    assert not said
    with torch.inference_mode():
        expected = pooled(restore(path).model.encode(images)).numpy()
    assert (encoder.vectors(images) == expected).all()
    assert (encoder.domain, encoder.backbone) == ("color", BACKBONE)
    assert encoder.identity["sha256"] == read_card(path).sha256
    with pytest.raises(UsageError, match="images are 3x16x16; it takes 3x32x32"):
        encoder.vectors(images[:, :, :16, :16])


def test_a_model_that_joins_images_first_has_nothing_to_probe(kept: Path) -> None:
    with pytest.raises(UsageError, match="two_channel encodes no image without the other"):
        of_model(model_of(kept, "two_channel"), print)


def test_a_model_whose_domain_is_not_the_one_it_was_trained_on_says_so(kept: Path, tmp_path: Path) -> None:
    path = model_of(kept, "concat")
    weights = tmp_path / path.name
    weights.write_bytes(path.read_bytes())
    card = read_card(path).model_copy(update={"key": "0" * 16})
    weights.with_suffix(CARD).write_text(card.model_dump_json(by_alias=True))
    said: list[str] = []
    of_model(weights, said.append)
    assert len(said) == 1
    assert "has changed since this model was trained" in said[0]


def test_a_backbone_is_read_where_the_warm_up_trains_it_unless_told_otherwise(images: torch.Tensor) -> None:
    encoder = of_warmup(spec("none"), "color", None, print)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        backbone = create_backbone(BACKBONE, build_domain("color").image).eval()
    with torch.inference_mode():
        deepest = backbone.lower(standardise(images), len(backbone.stages) - 1)
    assert torch.allclose(torch.from_numpy(encoder.vectors(images)), deepest.mean((2, 3)), atol=1e-5)
    each = of_warmup(spec("none"), "color", "position", print).vectors(images)
    assert torch.allclose(torch.from_numpy(each), deepest.flatten(1), atol=1e-5)
    assert of_warmup(spec("none"), "color", "embedding", print).vectors(images).shape == (40, 128)


def test_a_network_that_names_images_brings_its_own_head(images: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "HELD_OUT", 32)
    said: list[str] = []
    encoder = of_warmup(spec("names"), "color", None, said.append)
    assert said == [f"computing the warm-up names of {BACKBONE} on color: 64 images"]
    assert encoder.head
    assert encoder.head.classes == build_domain("color").warmup_classes
    task = spec("names").restore(spec("names").ensure())
    assert torch.equal(encoder.head.logits(images), answers(task, images))
    assert of_warmup(spec("rotation"), "color", None, said.append).head is None
