"""A small vision transformer for 32 pixel images."""

from __future__ import annotations

from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from bench.backbones.contract import Backbone, register_backbone
from bench.fusion import MapShape

DIM, DEPTH, HEADS, PATCH = 128, 4, 4, 4


class ConvPatches(nn.Module):
    """Convolutions in place of the patch embedding, plus positions: (B, C, 32, 32) -> (B, D, 8, 8)."""

    def __init__(self, channels: int, positions: Tensor) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *_convolution(channels, 24, stride=2),
            *_convolution(24, 64, stride=2),
            *_convolution(64, 64, stride=1),
            *_convolution(64, 64, stride=1),
            nn.Conv2d(64, DIM, 1, bias=False),
            nn.BatchNorm2d(DIM),
        )
        self.positions = nn.Parameter(positions.detach().clone())

    def forward(self, images: Tensor) -> Tensor:
        patches = self.convolutions(images)
        positions = self.positions.transpose(1, 2).unflatten(2, patches.shape[2:])
        return patches + positions


def _convolution(channels: int, out: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.GELU()]


class Blocks(nn.Module):
    """Transformer blocks that take and return a map (B, D, H, W)."""

    def __init__(self, *blocks: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, feature_map: Tensor) -> Tensor:
        tokens = self.blocks(feature_map.flatten(2).transpose(1, 2))
        return tokens.transpose(1, 2).unflatten(2, feature_map.shape[2:])


@register_backbone
class TinyViT(Backbone):
    """timm's VisionTransformer, dim 128, depth 4, 4 heads, 8x8 tokens without a class token.

    Four 3x3 convolutions make the tokens: with a plain patch-4 embedding the naming warm-up does not get off the ground
    within the images that a CNN needs to finish. Dosovitskiy et al., 2021; Xiao et al., 2021, Early convolutions help
    transformers see better.
    """

    name = "tiny_vit"

    def __init__(self, image: MapShape, pretrained: bool = False) -> None:
        vit = VisionTransformer(
            img_size=(image.height, image.width),
            patch_size=PATCH,
            in_chans=image.channels,
            num_classes=0,
            global_pool="avg",
            class_token=False,
            embed_dim=DIM,
            depth=DEPTH,
            num_heads=HEADS,
            mlp_ratio=2,
        )
        stages = [
            Blocks(vit.blocks[0]),
            Blocks(vit.blocks[1]),
            Blocks(vit.blocks[2]),
            Blocks(vit.blocks[3], vit.fc_norm),
        ]
        super().__init__(image, ConvPatches(image.channels, vit.get_parameter("pos_embed")), stages)
