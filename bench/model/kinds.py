"""The kinds of PairModel: where on the way from pixels to score the two streams meet."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bench.backbones import Backbone, Reads
from bench.errors import NotApplicableError
from bench.fusion import Fusion, mlp
from bench.model.base import PairModel, ReadOut
from bench.model.encodings import cosine


class SeparateModel(PairModel):
    """The fusion joins what the backbone made of each image: an embedding, a map or tokens."""

    encodes_separately = True
    backbone: Backbone
    reads: Reads

    def __init__(self, fusion: Fusion, backbone: Backbone, reads: Reads) -> None:
        super().__init__(fusion, backbone)
        self.reads = reads
        backbone.keep_only(reads)
        if fusion.encoder == "random":
            backbone.requires_grad_(False)

    def encode(self, images: Tensor) -> Tensor:
        return self.backbone.read(self.normalised(images), self.reads)

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        return self.join(a, b)

    def streams(self, images: Tensor) -> tuple[Tensor, Tensor]:
        u, v = self.backbone.read(images, self.reads).chunk(2)
        return u, v


class TwoTowerModel(PairModel):
    """Pseudo-siamese: a backbone of its own for each image; the fusion joins the two embeddings, maps or tokens.

    Never symmetric, whatever the fusion is, and nothing can be re-paired: an image has one encoding as A, another as B.
    """

    backbone: Backbone

    def __init__(self, fusion: Fusion, backbone: Backbone, second: Backbone, reads: Reads) -> None:
        super().__init__(fusion, backbone)
        self.second = second
        self._reads = reads
        for tower in self.towers:
            tower.keep_only(reads)
            if fusion.encoder == "random":
                tower.requires_grad_(False)

    @property
    def symmetric(self) -> bool:
        return False

    @property
    def towers(self) -> list[Backbone]:
        return [self.backbone, self.second]

    def encode(self, images: Tensor) -> Tensor:
        raise NotApplicableError(f"{self.fusion.name} encodes A and B with different towers")

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        raise NotApplicableError(f"{self.fusion.name} encodes A and B with different towers")

    def encode_pairs(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return self.streams(self.together(a, b))

    def streams(self, images: Tensor) -> tuple[Tensor, Tensor]:
        first, second = images.chunk(2)
        return self.backbone.read(first, self._reads), self.second.read(second, self._reads)

    def read_out(self, a: Tensor, b: Tensor) -> ReadOut:
        u, v = self.encode_pairs(a, b)
        return ReadOut(self.join(u, v), cosine(u, v))


class PixelModel(PairModel):
    """The fusion joins the two images and the backbone runs once on the joint image."""

    runs_after_join = True
    backbone: Backbone

    def __init__(self, fusion: Fusion, backbone: Backbone) -> None:
        super().__init__(fusion, backbone)
        self.head = mlp(backbone.spec.dim, fusion.head_width)

    def join(self, a: Tensor, b: Tensor) -> Tensor:
        return self.score(self.backbone.read(self.fusion(a, b), "embedding"))


class StageModel(PairModel):
    """The fusion joins the two maps after stage ``fusion.stage`` and the rest of the backbone runs on the result."""

    runs_after_join = True
    backbone: Backbone

    def __init__(self, fusion: Fusion, backbone: Backbone) -> None:
        super().__init__(fusion, backbone)
        self.head = mlp(backbone.spec.dim, fusion.head_width)

    def streams(self, images: Tensor) -> tuple[Tensor, Tensor]:
        p, q = self.backbone.lower(images, self.fusion.stage).chunk(2)
        return p, q

    def join(self, a: Tensor, b: Tensor) -> Tensor:
        return self.score(self.backbone.upper(self.fusion(a, b), self.fusion.stage + 1))


class ExchangeModel(PairModel):
    """The two maps after stage ``fusion.stage`` exchange what they know, both go on through the rest of the backbone,
    and the fusion joins their embeddings.

    Before and after the exchange both images go through in one concatenated pass.
    """

    runs_after_join = True
    backbone: Backbone

    def streams(self, images: Tensor) -> tuple[Tensor, Tensor]:
        p, q = self.backbone.lower(images, self.fusion.stage).chunk(2)
        return p, q

    def join(self, a: Tensor, b: Tensor) -> Tensor:
        exchanged = torch.cat(self.fusion.exchange(a, b))
        u, v = self.backbone.upper(exchanged, self.fusion.stage + 1).chunk(2)
        return super().join(u, v)


class PixelScoreModel(PairModel):
    """The fusion scores the two images without any backbone."""


class LikelihoodModel(PairModel):
    """A reference that is given the likelihoods (B, classes) of each image in place of the image."""

    def normalised(self, images: Tensor) -> Tensor:
        return images


class Symmetrized(PairModel):
    """Mean of the scores of both orders: symmetric whatever the fusion is, at up to twice the cost."""

    def __init__(self, model: PairModel) -> None:
        nn.Module.__init__(self)
        self.model = model
        self.encodes_separately = model.encodes_separately
        self.runs_after_join = model.runs_after_join
        self.reads = model.reads

    @property
    def fusion(self) -> Fusion:  # type: ignore[override]
        return self.model.fusion

    @property
    def backbone(self) -> Backbone | None:  # type: ignore[override]
        return self.model.backbone

    @property
    def towers(self) -> list[Backbone]:
        return self.model.towers

    @property
    def head(self) -> nn.Module:  # type: ignore[override]
        return self.model.head

    @property
    def symmetric(self) -> bool:
        return True

    def encode(self, images: Tensor) -> Tensor:
        return self.model.encode(images)

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        return _mean_of_orders(self.model.compare, a, b)

    def join(self, a: Tensor, b: Tensor) -> Tensor:
        return _mean_of_orders(self.model.join, a, b)

    def normalised(self, images: Tensor) -> Tensor:
        return self.model.normalised(images)

    def streams(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.streams(images)

    def score_normalised(self, images: Tensor) -> Tensor:
        if self.encodes_separately:
            return super().score_normalised(images)
        a, b = images.chunk(2)
        return _mean_of_halves(self.model.score_normalised(torch.cat([a, b, b, a])))

    def read_out(self, a: Tensor, b: Tensor) -> ReadOut:
        if self.encodes_separately:
            return super().read_out(a, b)
        # Of two towers the cosine, too, depends on the order.
        found = self.model.read_out(torch.cat([a, b]), torch.cat([b, a]))
        return ReadOut(_mean_of_halves(found.scores), None if found.cosine is None else _mean_of_halves(found.cosine))


def _mean_of_orders(score: Callable[[Tensor, Tensor], Tensor], a: Tensor, b: Tensor) -> Tensor:
    """Mean (B,) of the scores of (A, B) and of (B, A), in one pass over both: in two passes, the running statistics of
    BatchNorm would depend on which order comes last."""
    return _mean_of_halves(score(torch.cat([a, b]), torch.cat([b, a])))


def _mean_of_halves(both: Tensor) -> Tensor:
    first, second = both.chunk(2)
    return (first + second) / 2
