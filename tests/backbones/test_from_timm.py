"""Any timm model as a backbone."""

from __future__ import annotations

import pytest
import timm
import torch

from bench.backbones import create_backbone
from bench.backbones.weights import published
from bench.errors import UsageError
from bench.fusion import MapShape
from bench.model import IMAGE, build_model
from bench.spec import parse_spec


@pytest.mark.parametrize("model", ["resnet18", "regnetx_002", "densenet121", "convnext_atto", "mobilenetv3_small_050"])
def test_the_stages_are_those_of_timm(model: str) -> None:
    """Cut into stem and stages, a model gives timm's own feature maps."""
    torch.manual_seed(0)
    extractor = timm.create_model(model, features_only=True).eval()
    torch.manual_seed(0)
    backbone = create_backbone(f"timm:{model}", IMAGE).eval()
    backbone.load_state_dict(_renamed(extractor, backbone), strict=False)
    images = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        expected = extractor(images)
        ours = [backbone.lower(images, stage) for stage in range(-1, len(backbone.stages))]
    for feature in expected:
        assert any(feature.shape == found.shape and torch.allclose(feature, found, atol=1e-4) for found in ours)
    assert torch.allclose(expected[-1], ours[-1], atol=1e-4)


def _renamed(extractor: torch.nn.Module, backbone: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The extractor's tensors under our names: both list the same layers in the same order."""
    ours = [name for name in backbone.state_dict() if not name.startswith("embedding.")]
    theirs = list(extractor.state_dict().values())
    assert len(ours) == len(theirs)
    return dict(zip(ours, theirs, strict=True))


@pytest.mark.parametrize("fusion", ["concat", "correlation", "joint_transformer", "two_channel"])
def test_a_model_on_any_cnn(fusion: str) -> None:
    model = build_model(parse_spec(fusion), "timm:regnetx_002").eval()
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        assert model(images, images).shape == (2,)


def test_a_vision_transformer_is_one_stage() -> None:
    backbone = create_backbone("timm:test_vit", MapShape(3, 64, 64))
    assert len(backbone.stages) == 1
    assert backbone.spec.map == MapShape(64, 4, 4)


def test_a_patch_that_leaves_too_few_tokens() -> None:
    with pytest.raises(UsageError, match="no stage keeps a map of 4x4 on 32x32 images"):
        create_backbone("timm:vit_tiny_patch16_224", IMAGE)


def test_channels_last_maps_are_not_taken_for_others() -> None:
    """Swin hands out (B, H, W, C): either turned into (B, C, H, W), or refused with the reason."""
    try:
        backbone = create_backbone("timm:swin_tiny_patch4_window7_224", MapShape(3, 64, 64))
    except UsageError as error:
        assert "swin_tiny_patch4_window7_224" in str(error)  # noqa: PT017
    else:
        assert backbone.spec.stages[-1].channels == 768


def test_the_name_is_the_one_given() -> None:
    assert create_backbone("timm:regnetx_002", IMAGE).name == "timm:regnetx_002"


def test_an_unknown_model_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown timm model 'regnetx_02': did you mean .*regnetx_002"):
        create_backbone("timm:regnetx_02", IMAGE)


def test_weights_that_are_not_in_the_cache() -> None:
    with pytest.raises(UsageError, match="pretrained weights of timm:regnetx_002 cannot be loaded here"):
        create_backbone("timm:regnetx_002", IMAGE, published("timm:regnetx_002"))


def test_an_image_that_a_model_cannot_take() -> None:
    """Inception's unpadded convolutions run out of pixels: an error of use, not a traceback."""
    with pytest.raises(UsageError, match="timm:inception_v3"):
        create_backbone("timm:inception_v3", IMAGE)


def test_an_unknown_backbone_that_timm_has_is_suggested_as_such() -> None:
    with pytest.raises(UsageError, match="unknown backbone 'resnet50': did you mean timm:resnet50 or"):
        create_backbone("resnet50", IMAGE)
