"""Where fusions of the zoo look: said beside them, since the keys of published records hang on their own files."""

import torch
from torch import Tensor

from bench.fusion import maps_of

from .assignment import best_partners
from .attention import Attention
from .attention_gate import AttentionGate
from .cross_attention import CrossAttention
from .hungarian_regions import HungarianRegions
from .mutual_softmax import MutualSoftmax
from .non_local import NonLocal
from .one_way_attention import OneWayAttention
from .patch_cross_attention_diff import PatchCrossAttentionDiff
from .sinkhorn import Sinkhorn, transport_plan

Maps = dict[str, Tensor]


@maps_of.register
def _gate(fusion: AttentionGate, a: Tensor, b: Tensor) -> Maps:
    def gates(p: Tensor, q: Tensor) -> Tensor:
        other = fusion.of_other(q.mean((2, 3)))[:, :, None, None]
        return fusion.gate((fusion.of_own(p) + other).relu()).sigmoid().flatten(1)

    return {"gate": torch.stack([gates(a, b), gates(b, a)], dim=1)}


@maps_of.register
def _cross_attention(fusion: CrossAttention, a: Tensor, b: Tensor) -> Maps:
    s, t = (fusion.norm(fusion.project(x) + fusion.positions) for x in (a, b))
    return {"attention": _both_ways(fusion.attention, s, t)}


@maps_of.register
def _patch_cross_attention(fusion: PatchCrossAttentionDiff, a: Tensor, b: Tensor) -> Maps:
    return {"attention": _both_ways(fusion.attention, fusion.embed(a), fusion.embed(b))}


@maps_of.register
def _one_way(fusion: OneWayAttention, a: Tensor, b: Tensor) -> Maps:
    s, t = (fusion.block.norm_attention(fusion.embed(x)) for x in (a, b))
    return {"attention": attention_weights(fusion.block.attention, s, t).mean(1)[:, None]}


@maps_of.register
def _non_local(fusion: NonLocal, a: Tensor, b: Tensor) -> Maps:
    def weights(p: Tensor, q: Tensor) -> Tensor:
        return _softmax(fusion.queries(p), fusion.keys(q))

    x, y = (side.flatten(2).transpose(1, 2) for side in (a, b))
    looking = [(x, y), (y, x)] if fusion.symmetric else [(x, y)]
    return {"attention": torch.stack([weights(p, q) for p, q in looking], dim=1)}


@maps_of.register
def _mutual_softmax(fusion: MutualSoftmax, a: Tensor, b: Tensor) -> Maps:
    logits = fusion.scale * fusion.similarity(a, b)
    return {"match": _from_both_sides(logits.softmax(2) * logits.softmax(1))}


@maps_of.register
def _sinkhorn(fusion: Sinkhorn, a: Tensor, b: Tensor) -> Maps:
    return {"plan": _from_both_sides(transport_plan(1 - fusion.similarity(a, b), fusion.eps, fusion.iterations))}


@maps_of.register
def _hungarian_regions(fusion: HungarianRegions, a: Tensor, b: Tensor) -> Maps:
    p, q = fusion._regions(a), fusion._regions(b)
    partners = best_partners(p @ q.transpose(1, 2))
    return {"match": _from_both_sides(torch.zeros_like(p @ q.transpose(1, 2)).scatter(2, partners[:, :, None], 1.0))}


def attention_weights(attention: Attention, x: Tensor, context: Tensor) -> Tensor:
    """The weights (B, heads, L, M) with which queries (B, L, D) look at a context (B, M, D)."""
    q, k = (part.unflatten(2, (attention.heads, -1)) for part in (attention.queries(x), attention.keys(context)))
    return _softmax(q.transpose(1, 2), k.transpose(1, 2))


def _softmax(q: Tensor, k: Tensor) -> Tensor:
    return (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(-1)


def _both_ways(attention: Attention, s: Tensor, t: Tensor) -> Tensor:
    """Mean over the heads of what S sees in T and T in S: (B, 2, L, L)."""
    return torch.stack([attention_weights(attention, s, t).mean(1), attention_weights(attention, t, s).mean(1)], dim=1)


def _from_both_sides(weights: Tensor) -> Tensor:
    """Weights (B, L, L) between places of A and of B, as seen from either: (B, 2, L, L)."""
    return torch.stack([weights, weights.transpose(1, 2)], dim=1)
