"""Which places of image A act together with which places of image B in a join."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bench.catalogue.kinds import example
from bench.fusion import FeatureSpec, Fusion, MapShape
from bench.model import build_fusion
from bench.spec import Spec

SIDE = 4
PLACES = SIDE * SIDE
MOST_DRAWS, NUMBERS = 64, 8192
# What is nearer to 0 than this part of the output is the same sum in another order.
ROUNDING = 1e-5


def interaction(fusion: Spec) -> Tensor:
    """Mixed differences of a join, (places of A, places of B), the largest 1; all 0 where nothing acts together.

    Entry (i, j) is ``|f(a + d_i, b + e_j) - f(a + d_i, b) - f(a, b + e_j) + f(a, b)|`` for standard-normal a, b, d and
    e, averaged over draws and both orders. It is 0 where f is a sum of something of i and something of j. A place is a
    token, a position or a patch of 8x8 pixels; of an embedding one of its first dimensions. The weights are the initial
    ones moved at random, since behind a gate that starts at 0 nothing would act together.
    """
    spec = example()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        built = build_fusion(fusion, spec).eval()
        for weights in built.parameters():
            weights.add_(0.1 * torch.randn_like(weights))
        shape = joined_shape(built, spec)
        # Where a place is made of many numbers, few draws are enough.
        draws = min(MOST_DRAWS, -(-NUMBERS // math.prod(shape)))
        found = torch.stack([_mixed(built, _places(shape)) for _ in range(draws)]).mean(0)
    return found / found.max() if found.max() > 0 else found


def joined_shape(fusion: Fusion, spec: FeatureSpec) -> tuple[int, ...]:
    """Shape of what a fusion takes of one image."""
    if fusion.needs == "embedding":
        return (spec.classes if fusion.sees == "likelihoods" else spec.dim,)
    shape = _map_shape(fusion, spec)
    if fusion.needs == "tokens":
        return (shape.height * shape.width, shape.channels)
    return (shape.channels, shape.height, shape.width)


def _map_shape(fusion: Fusion, spec: FeatureSpec) -> MapShape:
    if fusion.needs == "pixels":
        return spec.image
    if fusion.needs in ("stage", "exchange"):
        return spec.stage(fusion.stage)
    return spec.map if fusion.map_stage is None else spec.stage(fusion.map_stage)


def _places(shape: tuple[int, ...]) -> Tensor:
    """Masks over what is joined, the first empty, then one for each place: (1 + places, ...)."""
    if len(shape) == 3:
        masks = torch.eye(PLACES).view(PLACES, 1, SIDE, SIDE)
        masks = masks.repeat_interleave(shape[1] // SIDE, 2).repeat_interleave(shape[2] // SIDE, 3)
    else:
        masks = torch.eye(shape[0])[:PLACES].view(-1, shape[0], *[1] * (len(shape) - 1))
    masks = masks.expand(-1, *shape)
    return torch.cat([torch.zeros_like(masks[:1]), masks])


def _mixed(fusion: Fusion, places: Tensor) -> Tensor:
    a, b, d, e = torch.randn(4, *places.shape[1:])
    p, q = a + places * d, b + places * e
    strengths = _strengths(fusion, p, q)
    return strengths + (strengths.T if fusion.symmetric else _strengths(fusion, q, p))


def _strengths(fusion: Fusion, a: Tensor, b: Tensor) -> Tensor:
    """Lengths of the mixed differences against the first of each side, in which nothing has moved."""
    rows, columns = a.repeat_interleave(len(b), 0), b.repeat(len(a), *[1] * (b.ndim - 1))
    exchanged = fusion.needs == "exchange"
    out = torch.cat(fusion.exchange(rows, columns), dim=1) if exchanged else fusion(rows, columns)
    out = out.reshape(len(a), len(b), -1)
    lengths = (out[1:, 1:] - out[1:, :1] - out[:1, 1:] + out[:1, :1]).norm(dim=2)
    return torch.where(lengths > ROUNDING * out.norm(dim=2).max(), lengths, 0)
