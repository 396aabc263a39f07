"""A vision transformer over the patches of both images."""

import torch
from torch import Tensor, nn

from bench.errors import UsageError
from bench.fusion import FeatureSpec, Fusion, MapShape, register

from .attention import Block

STEMS = ("conv", "patch")


@register
class JointViTCls(Fusion):
    """One sequence of both images' patches: ``f = blocks([cls; S + e_A; T + e_B])[cls]``, (B, 3, H, W) twice ->
    (B, width).

    No backbone: S and T are patches of the images, with shared positions, and a linear classifier reads the CLS token.
    ``stem=patch`` embeds each patch by one linear layer, as the paper does; it hardly learns from few images, so the
    default ``conv`` makes the same grid by convolutions. With ``segment_embedding=false`` the images cannot be told
    apart and the score is exactly symmetric.
    """

    name, family, needs, symmetric = "joint_vit_cls", "token", "pixels", False
    paper = "Dosovitskiy et al., 2021, ViT; Xiao et al., 2021 (convolutional stem); Kim et al., 2021, ViLT"
    head, encoder = "linear", "none"

    def __init__(
        self,
        spec: FeatureSpec,
        width: int = 64,
        depth: int = 4,
        heads: int = 4,
        patch: int = 4,
        stem: str = "conv",
        segment_embedding: bool = True,
    ) -> None:
        super().__init__(out_dim=width)
        self.symmetric = not segment_embedding
        self.embed = _stem(stem, spec.image, width, patch)
        patches = (spec.image.height // patch) * (spec.image.width // patch)
        self.cls = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.positions = nn.Parameter(torch.randn(1, patches, width) * 0.02)
        self.segments = nn.Parameter(torch.randn(2, 1, 1, width) * 0.02) if segment_embedding else None
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        # One pass over both images: BatchNorm statistics would otherwise depend on the order.
        patches = self.embed(torch.cat([a, b])).flatten(2).transpose(1, 2)
        s, t = (patches + self.positions).chunk(2)
        if self.segments is not None:
            s, t = s + self.segments[0], t + self.segments[1]
        sequence = torch.cat([self.cls.expand(len(a), -1, -1), s, t], dim=1)
        return self.norm(self.blocks(sequence)[:, 0])


def _stem(kind: str, image: MapShape, width: int, patch: int) -> nn.Module:
    """Images (B, C, H, W) to a grid of patches (B, width, H / patch, W / patch)."""
    if kind not in STEMS:
        raise UsageError(f"fusion joint_vit_cls: stem is {kind!r}, allowed are {' and '.join(STEMS)}")
    if patch < 1 or image.height % patch or image.width % patch:
        raise UsageError(f"fusion joint_vit_cls: patch={patch} must divide the {image.height}x{image.width} image")
    if kind == "patch":
        return nn.Conv2d(image.channels, width, patch, stride=patch)
    if patch % 2:
        raise UsageError(f"fusion joint_vit_cls: patch={patch} must be even, because stem=conv halves the image first")
    return nn.Sequential(
        nn.Conv2d(image.channels, width // 2, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(width // 2),
        nn.GELU(),
        nn.Conv2d(width // 2, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.GELU(),
        nn.Conv2d(width, width, patch // 2, stride=patch // 2),
    )
