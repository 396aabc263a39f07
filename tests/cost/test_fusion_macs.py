"""Multiply-accumulates of every fusion, against a formula worked out by hand from its definition."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import log2
from types import SimpleNamespace
from typing import Any

import pytest
from torch import Tensor, nn

from bench import zoo
from bench.backbones import Backbone, register_backbone
from bench.cost.macs import count_macs
from bench.fusion import FUSIONS, MapShape
from bench.model import build_model, feature_spec
from bench.spec import Spec

zoo.load()
IMAGE = MapShape(3, 16, 24)
DIM, HIDDEN = 20, 128


class Toy(Backbone):
    """No two of its sizes are alike: maps of 6 x 8 x 12, 10 x 4 x 6 (the deepest of at least 4x4) and 14 x 2 x 3."""

    name = "toy"

    def __init__(self, image: MapShape, pretrained: bool = False) -> None:
        stages = [nn.Conv2d(5, 6, 3, 1, 1), nn.Conv2d(6, 10, 3, 2, 1), nn.Conv2d(10, 14, 3, 2, 1)]
        super().__init__(image, nn.Conv2d(image.channels, 5, 3, 2, 1), stages)
        self.embedding, self.spec = Pooled(14), replace(self.spec, dim=DIM)


class Pooled(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Linear(channels, DIM)

    def forward(self, feature_map: Tensor) -> Tensor:
        return self.project(feature_map.mean((2, 3)))


def mlp(width: int, hidden: int = HIDDEN) -> int:
    """The shared head: a hidden layer and one number."""
    return width * hidden + hidden


def attention(queries: int, keys: int, w: int) -> int:
    """Queries and output are projected at every query, keys and values at every key; then logits and weighted sums."""
    return 2 * queries * w**2 + 2 * keys * w**2 + 2 * queries * keys * w


def transformer(queries: int, keys: int, w: int) -> int:
    """Attention, and an MLP that is twice as wide inside."""
    return attention(queries, keys, w) + 2 * queries * w * 2 * w


def form(inputs: int, outputs: int) -> int:
    """p' W_k q for every output: (p' W_k), then its product with q."""
    return outputs * (inputs * inputs + inputs)


def fft(n: int) -> int:
    """A real transform: 2.5 n log2 n operations."""
    return round(2.5 * n * log2(n)) // 2


def conv3x3(positions: int, channels: int, width: int) -> int:
    return positions * channels * width * 9


def relational(length: int, w: int, heads: int, relations: int) -> int:
    """Queries, keys, both sides of the relations and the output; two products; relations and symbols weighted."""
    products = 5 * length * w**2 + 2 * length**2 * w
    return products + heads * relations * length**2 + length * relations * w + length**2 * w


def similarity(s: Any, w: int) -> int:
    """Tokens of both images projected, and every token of A against every token of B."""
    return tokens(s, w) + s.L**2 * w


def tokens(s: Any, w: int) -> int:
    """Tokens (or positions) of both images projected to w."""
    return 2 * s.L * s.C * w


def relation_network(s: Any, w: int) -> int:
    """Both orders: two projections of every token, then a layer on every pair."""
    return 2 * (2 * s.L * s.C * w + s.L**2 * w**2)


def non_local(s: Any) -> int:
    """Three projections and their way back, logits and weighted sums, in both directions."""
    inner = s.C // 2
    return 2 * (4 * s.L * s.C * inner + 2 * s.L**2 * inner)


def aligned(s: Any, hidden: int) -> int:
    """In both directions: a convolution and a layer find the map, which is applied to the positions and sampled."""
    return 2 * (conv3x3(s.L, 2 * s.C, hidden) + 6 * s.L * hidden + 6 * s.L + s.C * s.L * s.L)


def vision_transformer(s: Any, w: int, depth: int, patch: int) -> int:
    pixels, patches = IMAGE.height * IMAGE.width // 4, IMAGE.height * IMAGE.width // patch**2
    stem = conv3x3(pixels, 3, w // 2) + conv3x3(pixels, w // 2, w) + patches * w**2 * (patch // 2) ** 2
    return 2 * stem + depth * transformer(2 * patches + 1, 2 * patches + 1, w) + w


# s: D of the embedding, C x H x W of the map, L = H W, stages, and the parameters of the fusion. The head is included.
BY_HAND: Mapping[str, Callable[[Any], int]] = {
    "abs_diff": lambda s: mlp(s.D),
    "attention_bottleneck": lambda s: (
        tokens(s, s.width) + 2 * s.depth * transformer(s.L + s.latents, s.L + s.latents, s.width) + mlp(s.width)
    ),
    "attention_gate": lambda s: (
        2 * (s.L * s.C * s.hidden + s.C * s.hidden + s.L * s.hidden) + 2 * s.C * s.dim + mlp(1, 16)
    ),
    "attention_sum": lambda s: 2 * s.D * s.width + 2 * s.D + mlp(s.width),
    "bilinear": lambda s: 2 * s.D * s.rank + form(s.rank, s.width) + mlp(s.width),
    "bilinear_attention": lambda s: (
        2 * tokens(s, s.width) + 2 * s.glimpses * s.L**2 * s.width + mlp(s.glimpses * s.width)
    ),
    "bipartite_graph": lambda s: tokens(s, s.width) + 4 * s.rounds * transformer(s.L, s.L, s.width) + mlp(2 * s.width),
    "block": lambda s: (
        2 * s.D * s.width + 2 * s.chunks * s.rank * (s.width // s.chunks) ** 2 + s.width**2 + mlp(s.width)
    ),
    "chamfer": lambda s: similarity(s, s.width),
    "compact_bilinear": lambda s: 4 * s.D * s.width + 6 * fft(s.width) + mlp(s.width),
    "concat": lambda s: mlp(2 * s.D),
    "concat_linear": lambda s: 2 * s.D,
    "corelnet": lambda s: tokens(s, s.width) + (2 * s.L) ** 2 * s.width + mlp(4 * s.L),
    "correlation": lambda s: similarity(s, s.width) + mlp(2 * s.L),
    "cosine": lambda s: 0,
    "cross_attention": lambda s: tokens(s, s.width) + 2 * transformer(s.L, s.L, s.width) + mlp(2 * s.width),
    "cross_stitch": lambda s: mlp(2 * s.D),
    "decision_average": lambda s: 2 * mlp(s.D),
    "dual_attention": lambda s: (
        tokens(s, s.width)
        + 2 * (transformer(s.L, s.L, s.width) + relational(s.L, s.width, s.heads, s.relations))
        + mlp(2 * s.width)
    ),
    "esbn": lambda s: 3 * 4 * s.width * (s.key + 1 + s.width) + s.width * s.key + s.width + mlp(s.width),
    "film": lambda s: 2 * s.C * 2 * s.C + conv3x3(s.L, s.C, s.width) + mlp(s.width),
    "fmap_concat": lambda s: conv3x3(s.L, 2 * s.C, s.width) + mlp(s.width),
    "fmap_diff": lambda s: conv3x3(s.L, s.C, s.width) + mlp(s.width),
    "gated": lambda s: 3 * s.D * s.width + mlp(s.width),
    "hadamard": lambda s: mlp(s.D),
    "heuristic": lambda s: mlp(3 * s.D),
    "hungarian_regions": lambda s: (
        tokens(s, s.width) + (min(s.grid, s.H) * min(s.grid, s.W)) ** 2 * s.width + mlp(s.width)
    ),
    "hungarian_score": lambda s: similarity(s, s.width),
    "hypernetwork": lambda s: (
        2 * (s.D * s.hidden * (s.width + 1) + s.D * (s.hidden + 1) + s.D * s.width + s.hidden * s.width)
    ),
    "image_diff": lambda s: mlp(s.D),
    "joint_transformer": lambda s: (
        tokens(s, s.width) + s.depth * transformer(2 * s.L + 1, 2 * s.L + 1, s.width) + mlp(s.width)
    ),
    "joint_vit_cls": lambda s: vision_transformer(s, s.width, s.depth, s.patch),
    "latent_resampler": lambda s: (
        tokens(s, s.width)
        + s.depth * (transformer(s.latents, 2 * s.L, s.width) + transformer(s.latents, s.latents, s.width))
        + mlp(s.width)
    ),
    "low_rank_bilinear": lambda s: 2 * s.rank * s.width * (s.D + 1) + s.rank * s.width + mlp(s.width),
    "mahalanobis": lambda s: s.D * s.rank,
    "mask_oracle": lambda s: 2 * s.D * 2,
    "max_min": lambda s: mlp(2 * s.D),
    "maxsim": lambda s: similarity(s, s.width),
    "mfb": lambda s: 2 * s.order * s.D * s.rank * s.width + mlp(s.order * s.width),
    "mixture": lambda s: 4 * s.D * s.width + s.width + 4 * (3 * s.D + 1) + 4 * s.width + mlp(s.width),
    "mlb": lambda s: 2 * s.D * s.width + mlp(s.width),
    "mmtm": lambda s: (
        2 * (2 * s.stages[s.stage] + s.stages[s.stage]) * (2 * s.stages[s.stage] // s.ratio) + mlp(2 * s.D)
    ),
    "multi_cosine": lambda s: 3 * s.D * s.perspectives + mlp(s.perspectives),
    "multiplicative_interaction": lambda s: (
        2 * s.D * s.rank + form(s.rank, s.width) + 2 * s.rank * s.width + mlp(s.width)
    ),
    "mutan": lambda s: 2 * s.D * s.projected + 2 * s.rank * s.width * s.projected + mlp(s.width),
    "mutual_softmax": lambda s: similarity(s, s.width) + mlp(2 * s.L),
    "name_then_xnor": lambda s: 2 * s.D * 2,
    "neg_l2": lambda s: 0,
    "neighbourhood_diff": lambda s: 2 * s.L * s.C * s.window**2 * s.C + conv3x3(s.L, s.C, s.width) + mlp(s.width),
    "non_local": lambda s: non_local(s) + conv3x3(s.L, s.C, s.width) + mlp(s.width),
    "ntn": lambda s: 2 * s.D * s.rank + form(s.rank, s.width) + 2 * s.rank * s.width + mlp(s.width),
    "one_way_attention": lambda s: tokens(s, s.width) + transformer(s.L, s.L, s.width) + mlp(s.width),
    "pair_norm": lambda s: 2 * s.D * s.width + mlp(s.width),
    "patch_cross_attention_diff": lambda s: tokens(s, s.width) + 2 * attention(s.L, s.L, s.width) + mlp(s.width),
    "pixel_distance": lambda s: 0,
    "probabilistic": lambda s: 2 * s.D * 2 * s.width,
    "product_of_experts": lambda s: 2 * s.D * 2 * s.width + mlp(2 * s.width),
    "pseudo_siamese": lambda s: mlp(2 * s.D),
    "random_encoder": lambda s: mlp(s.D),
    "rbf": lambda s: 0,
    "relation_network": lambda s: relation_network(s, s.width) + mlp(s.width),
    "relational_cross_attention": lambda s: tokens(s, s.width) + 2 * transformer(s.L, s.L, s.width) + mlp(s.width),
    "siamese_cosine_centre": lambda s: 2 * s.D * s.width,
    "siamese_cosine_sigmoid": lambda s: 2 * s.D * s.width,
    "siamese_fc": lambda s: 2 * s.D * s.width + s.width * s.width // 2 + mlp(s.width // 2),
    "side_by_side": lambda s: mlp(s.D),
    "signed_diff": lambda s: mlp(s.D),
    "single_image": lambda s: mlp(s.D),
    "sinkhorn": lambda s: similarity(s, s.width),
    "snr_distance": lambda s: 0,
    "spatial_transformer": lambda s: aligned(s, s.hidden) + conv3x3(s.L, s.C, s.width) + mlp(s.width),
    "squared_diff": lambda s: mlp(s.D),
    "stack_diff": lambda s: mlp(s.D),
    "sum": lambda s: 2 * s.D * s.width + mlp(s.width),
    "template_oracle": lambda s: 0,
    "tensor_fusion": lambda s: 2 * s.D * s.rank + mlp((s.rank + 1) * (s.rank + 2) // 2),
    "tucker": lambda s: 2 * s.D * s.rank + form(s.rank, s.rank) + s.rank * s.width + mlp(s.width),
    "two_channel": lambda s: mlp(s.D),
}
SIZES = ("width", "rank", "hidden", "perspectives", "depth", "latents", "rounds")


@pytest.fixture
def toy(registries: None) -> str:
    register_backbone(Toy)
    return Toy.name


def test_every_fusion_has_a_formula() -> None:
    assert set(BY_HAND) == set(FUSIONS)


@pytest.mark.parametrize("doubled", [False, True], ids=["default", "doubled"])
@pytest.mark.parametrize("fusion", list(FUSIONS))
def test_the_count_is_what_the_formula_says(fusion: str, doubled: bool, toy: str) -> None:
    """On sizes that are all different, and again with every size of the fusion doubled."""
    signature = inspect.signature(FUSIONS.get(fusion)).parameters
    params = {name: 2 * signature[name].default for name in SIZES if name in signature} if doubled else {}
    counted = count_macs(build_model(Spec(fusion, params), toy, IMAGE), IMAGE)
    defaults = {name: one.default for name, one in signature.items() if name != "spec"}
    spec = feature_spec(toy, IMAGE)
    channels, height, width = spec.map.channels, spec.map.height, spec.map.width
    shapes = {"D": spec.dim, "C": channels, "H": height, "W": width, "L": height * width}
    s = SimpleNamespace(**shapes, stages=[stage.channels for stage in spec.stages], **defaults | params)
    assert counted.fusion == BY_HAND[fusion](s)
    assert counted.uncounted == ()
