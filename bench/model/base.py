"""PairModel: what every composition of backbone, fusion and head offers."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bench.backbones import STANDARDISED, Backbone, Reads
from bench.errors import NotApplicableError
from bench.fusion import Fusion, mlp
from bench.model.encodings import cosine


def build_head(fusion: Fusion) -> nn.Module:
    """The head that ``fusion.head`` asks for: (B, out_dim) -> (B, 1), or nothing where the fusion returns scores."""
    if fusion.head == "mlp":
        return mlp(fusion.out_dim, fusion.head_width)
    return nn.Linear(fusion.out_dim, 1) if fusion.head == "linear" else nn.Identity()


class ReadOut(NamedTuple):
    """The two readouts of pairs: scores (B,) of the trained head, and the cosine (B,) of the pooled encodings of A and
    of B; None where no image is encoded without the other."""

    scores: Tensor
    cosine: Tensor | None


class PairModel(nn.Module):
    """Base class: ``forward`` takes two uint8 image batches (B, 3, H, W) and returns scores (B,); positive means same.

    Attributes:
        encodes_separately: each image is encoded without the other, so encodings can be cached and re-paired.
        runs_after_join: layers of the backbone run after the fusion.
        reads: what an encoding is, where images are encoded separately.
        memory_format: layout of the normalised images; :meth:`lay_out` changes it.
        precision: type of the matrix products; :meth:`compute_in` changes it.
    """

    encodes_separately = False
    runs_after_join = False
    reads: Reads | None = None
    memory_format = torch.channels_last
    precision = torch.float32

    def __init__(self, fusion: Fusion, backbone: Backbone | None) -> None:
        super().__init__()
        self.fusion = fusion
        self.backbone = backbone
        self.head = build_head(fusion)

    @property
    def symmetric(self) -> bool:
        """Whether swapping A and B cannot change the score."""
        return self.fusion.symmetric

    @property
    def towers(self) -> list[Backbone]:
        """The backbones: none, one that both images share, or one for each."""
        return [] if self.backbone is None else [self.backbone]

    def score(self, features: Tensor) -> Tensor:
        """Features (B, out_dim) or scores (B,) of the fusion to scores (B,)."""
        return self.head(features).flatten()

    def read_out(self, a: Tensor, b: Tensor) -> ReadOut:
        """Both readouts of (A, B), from one encoding of each image."""
        if not self.encodes_separately:
            return ReadOut(self(a, b), None)
        u, v = self.encode_pairs(a, b)
        return ReadOut(self.compare(u, v), cosine(u, v))

    def both_orders(self, a: Tensor, b: Tensor) -> tuple[ReadOut, Tensor]:
        """Both readouts of (A, B), and the scores (B,) of (B, A)."""
        if not self.encodes_separately:
            return self.read_out(a, b), self(b, a)
        u, v = self.encode_pairs(a, b)
        return ReadOut(self.compare(u, v), cosine(u, v)), self.compare(v, u)

    def join(self, a: Tensor, b: Tensor) -> Tensor:
        """Scores (B,) of what the fusion joins: normalised images, maps, tokens, embeddings or likelihoods."""
        return self.score(self.fusion(a, b))

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) uint8 to what the fusion joins; only where ``encodes_separately``."""
        raise NotApplicableError(f"{self.fusion.name} joins the images before they are encoded")

    def encode_pairs(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """:meth:`encode` of A and of B, in one batch."""
        u, v = self.encode(torch.cat([a, b])).chunk(2)
        return u, v

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        """Scores (B,) of encoded images; only where ``encodes_separately``."""
        raise NotApplicableError(f"{self.fusion.name} joins the images before they are encoded")

    def normalised(self, images: Tensor) -> Tensor:
        """uint8 images (B, 3, H, W) as numbers, in the way of the backbone; without one, standardised."""
        preparation = self.backbone.preparation if self.backbone else STANDARDISED
        return preparation.normalise(images, self.dtype, self.memory_format)

    def together(self, a: Tensor, b: Tensor) -> Tensor:
        """Both images normalised, as one batch (2B, 3, H, W)."""
        return self.normalised(torch.cat([a, b]))

    def streams(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What the fusion joins, of both images :meth:`together` (2B, 3, H, W)."""
        a, b = images.chunk(2)
        return a, b

    def score_normalised(self, images: Tensor) -> Tensor:
        """Scores (B,) of both images :meth:`together` (2B, 3, H, W)."""
        return self.join(*self.streams(images))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.score_normalised(self.together(a, b))

    def lay_out(self, memory_format: torch.memory_format) -> PairModel:
        """Keep weights and images in ``memory_format`` from now on; returns this model."""
        for part in self.modules():
            if isinstance(part, PairModel):
                part.memory_format = memory_format
        return self.to(memory_format=memory_format)

    def compute_in(self, precision: torch.dtype) -> PairModel:
        """Let :meth:`casting` be autocast to ``precision`` over float32 weights from now on; returns this model."""
        for part in self.modules():
            if isinstance(part, PairModel):
                part.precision = precision
        return self

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights, in which the images are handed to the backbone."""
        return next((p.dtype for p in self.parameters()), torch.float32)

    @property
    def device(self) -> torch.device:
        """Where the weights are, and the images must be."""
        return next((p.device for p in self.parameters()), torch.device("cpu"))

    def casting(self) -> AbstractContextManager[object]:
        """What encoding, comparing and losses run in."""
        if self.precision == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.precision)
