"""What every backbone hands to a fusion."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bench import zoo
from bench.backbones import BACKBONES, Backbone, create_backbone, register_backbone
from bench.backbones.contract import MIN_MAP, Embedding, build
from bench.backbones.weights import published
from bench.errors import UsageError
from bench.fusion import MapShape
from bench.model import IMAGE, build_model
from bench.spec import parse_spec

zoo.load()
NAMES = [*BACKBONES, "timm:regnetx_002"]
built: dict[str, Backbone] = {}


@pytest.fixture(params=NAMES)
def backbone(request: pytest.FixtureRequest) -> Backbone:
    """One of each kind; tests only read it."""
    if request.param not in built:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            built[request.param] = create_backbone(request.param, IMAGE)
    return built[request.param].eval()


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_the_three_are_registered() -> None:
    assert set(BACKBONES) >= {"resnet18", "tiny_vit", "mobilenetv3_small_32"}


def test_the_map_has_four_by_four_positions_or_more(backbone: Backbone, images: Tensor) -> None:
    with torch.no_grad():
        feature_map = backbone.read(images[:2], "map")
    shape = backbone.spec.map
    assert feature_map.shape == (2, shape.channels, shape.height, shape.width)
    assert min(shape.height, shape.width) >= MIN_MAP == 4
    assert shape == backbone.spec.stages[backbone.map_stage]
    assert not [
        stage for stage in backbone.spec.stages[backbone.map_stage + 1 :] if min(stage.height, stage.width) >= 4
    ]


def test_tokens_are_the_positions_of_the_map(backbone: Backbone, images: Tensor) -> None:
    with torch.no_grad():
        feature_map, tokens = backbone.read(images[:2], "map"), backbone.read(images[:2], "tokens")
    assert tokens.shape == (2, backbone.spec.tokens, backbone.spec.token_dim)
    for row in range(backbone.spec.map.height):
        for column in range(backbone.spec.map.width):
            position = row * backbone.spec.map.width + column
            assert torch.equal(tokens[:, position], feature_map[:, :, row, column])


def test_embeddings_of_different_images_are_not_parallel(backbone: Backbone, images: Tensor) -> None:
    with torch.no_grad():
        embedding = nn.functional.normalize(backbone.train().read(images, "embedding"), dim=1)
        backbone.eval()
    cosines = (embedding @ embedding.T)[~torch.eye(16, dtype=torch.bool)]
    assert abs(float(cosines.mean())) < 0.2


def test_the_spec_states_the_shape_after_each_stage(backbone: Backbone, images: Tensor) -> None:
    with torch.no_grad():
        shapes = [tuple(backbone.lower(images[:1], stage).shape[1:]) for stage in range(len(backbone.stages))]
    assert shapes == [(stage.channels, stage.height, stage.width) for stage in backbone.spec.stages]


def test_lower_and_upper_meet_at_every_stage(backbone: Backbone, images: Tensor) -> None:
    with torch.no_grad():
        whole = backbone.read(images[:2], "embedding")
        for stage in range(-1, len(backbone.stages)):
            assert torch.allclose(backbone.upper(backbone.lower(images[:2], stage), stage + 1), whole, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_stem_for_six_channels(name: str) -> None:
    backbone = create_backbone(name, MapShape(6, 32, 32)).eval()
    with torch.no_grad():
        assert backbone.read(torch.randn(1, 6, 32, 32), "embedding").shape == (1, backbone.spec.dim)


@pytest.mark.parametrize("reads", ["map", "tokens", "embedding"])
@pytest.mark.parametrize("name", NAMES)
def test_keep_only_drops_what_is_never_read(name: str, reads: str) -> None:
    torch.manual_seed(0)
    backbone = create_backbone(name, IMAGE).eval()
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        before = backbone.read(images, reads)  # type: ignore[arg-type]
        backbone.keep_only(reads)  # type: ignore[arg-type]
        assert torch.equal(backbone.read(images, reads), before)  # type: ignore[arg-type]
    backbone.train().read(images, reads).square().sum().backward()  # type: ignore[arg-type]
    assert [name for name, p in backbone.named_parameters() if p.grad is None] == []


def test_measuring_leaves_the_backbone_ready_to_train(backbone: Backbone) -> None:
    """The blank image that measures the shapes must not enter the statistics of BatchNorm."""
    fresh = create_backbone(backbone.name, IMAGE)
    assert fresh.training
    for module in fresh.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            assert int(module.num_batches_tracked) == 0


@pytest.mark.parametrize("name", NAMES)
def test_an_image_too_small_for_a_map_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match=f"^backbone {name}: no stage keeps a map of 4x4 on 8x8 images"):
        create_backbone(name, MapShape(3, 8, 8))


def test_a_stage_that_keeps_no_map_is_named() -> None:
    class Flat(Backbone):
        name = "flat"

        def __init__(self, image: MapShape, pretrained: bool) -> None:
            super().__init__(image, nn.Conv2d(3, 4, 1), [nn.Identity(), nn.Flatten()])

    with pytest.raises(UsageError, match=r"^backbone flat: stage 2 gives \(1, 4096\); expected \(B, C, H, W\)$"):
        build(Flat, IMAGE)


@pytest.mark.parametrize("name", list(BACKBONES))
def test_pretrained_weights_that_are_not_there(name: str) -> None:
    """No network here: the message says what is missing and what to do."""
    with pytest.raises(UsageError, match=r"pretrained weights .*" + name):
        create_backbone(name, IMAGE, published(name))


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown backbone 'resnet81': did you mean resnet18"):
        create_backbone("resnet81", IMAGE)


def test_a_backbone_of_ones_own(registries: None) -> None:
    """Stem and stages are all that it takes."""

    @register_backbone
    class Stripes(Backbone):
        """Two convolutions."""

        name = "stripes"

        def __init__(self, image: MapShape, pretrained: bool = False) -> None:
            stages = [nn.Conv2d(4, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1), nn.Conv2d(16, 8, 3, 4, 1)]
            super().__init__(image, nn.Conv2d(image.channels, 4, 3, 1, 1), stages)

    assert BACKBONES.get("stripes") is Stripes
    stripes = create_backbone("stripes", IMAGE)
    assert stripes.spec.stages == (MapShape(8, 16, 16), MapShape(16, 8, 8), MapShape(8, 2, 2))
    assert stripes.spec.map == MapShape(16, 8, 8)


def test_the_embedding_recomputed() -> None:
    torch.manual_seed(0)
    layer, feature_map = Embedding(5), torch.randn(4, 5, 3, 3)
    projected = torch.stack([layer.project.weight @ row + layer.project.bias for row in feature_map.mean(3).mean(2)])
    mean, variance = projected.mean(0), projected.var(0, unbiased=False)
    assert torch.allclose(layer(feature_map), (projected - mean) / (variance + 1e-5).sqrt(), atol=1e-4)


def test_the_backbone_of_the_docs_is_one(registries: None, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "add-a-fusion.md").read_text()
    (code,) = re.findall(r"```python\n([^`]*class PlainCNN.*?)```", page, re.DOTALL)
    file = tmp_path / "plain_cnn.py"
    file.write_text(code)
    zoo.load([file])
    model = build_model(parse_spec("concat"), "plain_cnn", IMAGE)
    assert model.backbone is not None
    assert model.backbone.spec.stages == (MapShape(32, 16, 16), MapShape(64, 8, 8), MapShape(128, 4, 4))
    images = torch.zeros(3, 3, 32, 32, dtype=torch.uint8)
    assert model(images, images).shape == (3,)
