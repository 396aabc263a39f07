"""Where fusions say that they look: what they say is what they compute with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from bench.fusion import FUSIONS, maps_of


def test_a_fusion_says_nothing_of_itself_and_one_that_does_is_asked(small: Any, plugin: Callable[..., Path]) -> None:
    assert maps_of(small.build("concat"), *small.embeddings()) == {}
    plugin('''
        @register
        class Looking(Fusion):
            """Sum: ``f = u + v``."""

            name, family, needs, symmetric, paper = "test_looking", "embedding", "embedding", True, "none"

            def __init__(self, spec: FeatureSpec) -> None:
                super().__init__(spec.dim)

            def maps(self, a, b):
                return {"both": a + b}
    ''')
    a, b = small.embeddings()
    assert torch.equal(maps_of(small.build("test_looking"), a, b)["both"], a + b)


@pytest.mark.parametrize(
    "fusion",
    ["cross_attention", "patch_cross_attention_diff", "one_way_attention", "non_local", "non_local:symmetric=false"],
)
@torch.no_grad()
def test_attention_is_the_one_that_the_forward_pass_takes(
    small: Any, monkeypatch: pytest.MonkeyPatch, fusion: str
) -> None:
    built = small.build(fusion)
    streams = small.maps() if built.needs == "map" else small.tokens()
    taken: list[Tensor] = []
    attend = F.scaled_dot_product_attention

    def watched(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        heads = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1)
        taken.append(heads.mean(1) if heads.ndim == 4 else heads)
        return attend(q, k, v)

    monkeypatch.setattr(F, "scaled_dot_product_attention", watched)
    built(*streams)
    torch.testing.assert_close(maps_of(built, *streams)["attention"], torch.stack(taken, dim=1))


@torch.no_grad()
def test_the_gate_gives_the_score_of_the_attention_gate(small: Any) -> None:
    built, (a, b) = small.build("attention_gate"), small.maps()
    gate = maps_of(built, a, b)["gate"].unflatten(2, (2, 3))
    means = torch.cat([(gate[:, :1] * a).mean((2, 3)), (gate[:, 1:] * b).mean((2, 3))])
    u, v = built.norm(built.project(means)).chunk(2)
    score = built.classify(built.scale * F.cosine_similarity(u, v)[:, None]).flatten()
    torch.testing.assert_close(score, built(a, b))


@torch.no_grad()
def test_the_plan_gives_the_score_of_sinkhorn(small: Any) -> None:
    built, (a, b) = small.build("sinkhorn"), small.tokens()
    plan = maps_of(built, a, b)["plan"]
    torch.testing.assert_close(plan[:, 1], plan[:, 0].transpose(1, 2))
    cost = 1 - built.similarity(a, b)
    torch.testing.assert_close(built.bias - built.scale * (plan[:, 0] * cost).sum((1, 2)), built(a, b))


@torch.no_grad()
def test_the_matches_give_the_features_of_their_fusions(small: Any) -> None:
    built, (a, b) = small.build("mutual_softmax"), small.tokens()
    match = maps_of(built, a, b)["match"]
    sums = (match.sum(3)[:, 0].sort(1).values + match.sum(3)[:, 1].sort(1).values) / 2
    torch.testing.assert_close(built(a, b)[:, :6], sums)
    built, (a, b) = small.build("hungarian_regions:grid=2"), small.maps()
    match = maps_of(built, a, b)["match"]
    assert (match.sum(3) == 1).all()
    p, q = (F.normalize(built.cut(built.project(x)).flatten(2).mT, dim=2) for x in (a, b))
    torch.testing.assert_close((p * (match[:, 0] @ q)).mean(1) * p.shape[2], built(a, b))


def test_all_that_is_said_has_the_shape_that_views_read(small: Any) -> None:
    saying = 0
    for name in FUSIONS:
        built = small.build(name) if FUSIONS.get(name).needs in ("map", "tokens") else None
        streams = () if built is None else small.maps() if built.needs == "map" else small.tokens()
        for weights in maps_of(built, *streams).values() if built is not None else ():
            saying += 1
            places = weights.shape[-1]
            assert tuple(weights.shape) in {(3, 2, places), (3, 2, places, places), (3, 1, places, places)}, name
            assert (weights >= 0).all()
    assert saying >= 8
