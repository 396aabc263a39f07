"""The built-in fusions, recomputed with plain loops."""

from __future__ import annotations

from math import exp, sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bench import zoo
from bench.fusion import FUSIONS, FeatureSpec, Fusion, MapShape, mlp
from bench.model import build_fusion
from bench.spec import parse_spec

zoo.load()
B = 3
SPEC = FeatureSpec(MapShape(3, 8, 8), (MapShape(5, 2, 3),), MapShape(5, 2, 3), 6)
EXACT = {"rtol": 0.0, "atol": 1e-5}


def build(fusion: str, spec: FeatureSpec = SPEC) -> Fusion:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_fusion(parse_spec(fusion), spec).eval()


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def embeddings(seed: int = 0) -> tuple[Tensor, Tensor]:
    a, b = randn(2, B, SPEC.dim, seed=seed)
    return a, b


def maps(seed: int = 0) -> tuple[Tensor, Tensor]:
    a, b = randn(2, B, 5, 2, 3, seed=seed)
    return a, b


def tokens(seed: int = 0) -> tuple[Tensor, Tensor]:
    a, b = randn(2, B, SPEC.tokens, SPEC.token_dim, seed=seed)
    return a, b


def normalised(vector: list[float]) -> list[float]:
    length = sqrt(sum(x * x for x in vector))
    return [x / length for x in vector]


def dot(u: list[float], v: list[float]) -> float:
    return sum(x * y for x, y in zip(u, v, strict=True))


@torch.no_grad()
def test_embedding_joins() -> None:
    a, b = embeddings()
    for i in range(B):
        u, v = a[i].tolist(), b[i].tolist()
        difference = [abs(x - y) for x, y in zip(u, v, strict=True)]
        product = [x * y for x, y in zip(u, v, strict=True)]
        total = [x + y for x, y in zip(u, v, strict=True)]
        expected = {
            "abs_diff": difference,
            "random_encoder": difference,
            "hadamard": product,
            "concat": u + v,
            "concat_linear": u + v,
            "single_image": u,
            "heuristic": total + difference + product,
        }
        for name, row in expected.items():
            torch.testing.assert_close(build(name)(a, b)[i], torch.tensor(row), **EXACT)


@torch.no_grad()
def test_cosine() -> None:
    fusion = build("cosine:scale=3.0")
    fusion.bias.fill_(0.5)
    a, b = embeddings()
    expected = [3 * dot(normalised(a[i].tolist()), normalised(b[i].tolist())) + 0.5 for i in range(B)]
    torch.testing.assert_close(fusion(a, b), torch.tensor(expected), **EXACT)


@given(st.floats(0.01, 100), st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_cosine_does_not_see_the_length(p: float, q: float) -> None:
    fusion, (a, b) = build("cosine"), embeddings()
    torch.testing.assert_close(fusion(p * a, q * b), fusion(a, b), rtol=0, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("shared", ["false", "true"])
def test_low_rank_bilinear(shared: str) -> None:
    fusion = build(f"low_rank_bilinear:rank=2:width=4:shared={shared}")
    a, b = embeddings()
    left, right, weight = fusion.left.tolist(), fusion.right.tolist(), fusion.weight.tolist()
    expected = [
        [
            sum(
                weight[r] * dot(left[r][k], [*a[i].tolist(), 1.0]) * dot(right[r][k], [*b[i].tolist(), 1.0])
                for r in range(2)
            )
            for k in range(4)
        ]
        for i in range(B)
    ]
    torch.testing.assert_close(fusion(a, b), torch.tensor(expected), **EXACT)
    assert (fusion.left is fusion.right) == (shared == "true")
    assert fusion.symmetric == (shared == "true")


@torch.no_grad()
def test_low_rank_bilinear_is_a_bilinear_form() -> None:
    """With the ones appended it is affine in each input: second differences vanish."""
    fusion, (a, b), (c, _) = build("low_rank_bilinear"), embeddings(), embeddings(seed=1)
    zero = torch.zeros_like(a)
    in_a = fusion(a + c, b) - fusion(a, b) - fusion(c, b) + fusion(zero, b)
    in_b = fusion(b, a + c) - fusion(b, a) - fusion(b, c) + fusion(b, zero)
    torch.testing.assert_close(torch.cat([in_a, in_b]), torch.zeros_like(torch.cat([in_a, in_b])), rtol=0, atol=1e-4)


@torch.no_grad()
def test_correlation() -> None:
    fusion = build("correlation:width=4")
    a, b = maps()
    weight, bias = fusion.project.weight.flatten(1).tolist(), fusion.project.bias.tolist()

    def positions(feature_map: Tensor) -> list[list[float]]:
        columns = [feature_map[:, y, x].tolist() for y in range(2) for x in range(3)]
        return [normalised([dot(row, c) + bias[k] for k, row in enumerate(weight)]) for c in columns]

    for i in range(B):
        p, q = positions(a[i]), positions(b[i])
        rows = [[dot(p_i, q_j) for q_j in q] for p_i in p]
        columns = [list(column) for column in zip(*rows, strict=True)]
        expected = []
        for statistic in (max, lambda values: sum(values) / len(values)):
            by_row, by_column = sorted(map(statistic, rows)), sorted(map(statistic, columns))
            expected += [(x + y) / 2 for x, y in zip(by_row, by_column, strict=True)]
        torch.testing.assert_close(fusion(a, b)[i], torch.tensor(expected), **EXACT)


@torch.no_grad()
def test_corelnet() -> None:
    fusion = build("corelnet:width=4")
    a, b = tokens()
    weight, bias, scale = fusion.project.weight.tolist(), fusion.project.bias.tolist(), float(fusion.scale)
    length = SPEC.tokens
    for i in range(B):
        z = [
            normalised([dot(row, token) + bias[k] for k, row in enumerate(weight)])
            for token in [*a[i].tolist(), *b[i].tolist()]
        ]
        relations = []
        for row in z:
            exponentials = [exp(scale * dot(row, other)) for other in z]
            relations.append([2 * length * e / sum(exponentials) for e in exponentials])
        block = {
            (s, t): [row[t * length : (t + 1) * length] for row in relations[s * length : (s + 1) * length]]
            for s in (0, 1)
            for t in (0, 1)
        }
        expected: list[float] = []
        for pair in ([(0, 0), (1, 1)], [(0, 1), (1, 0)]):
            for statistic in (max, lambda values: sum(values) / len(values)):
                halves = [sorted(map(statistic, block[at])) for at in pair]
                expected += [(x + y) / 2 for x, y in zip(*halves, strict=True)]
        torch.testing.assert_close(fusion(a, b)[i], torch.tensor(expected), rtol=0, atol=1e-4)


@torch.no_grad()
def test_fmap_diff() -> None:
    fusion = build("fmap_diff:width=4")
    a, b = maps()
    weight, bias = fusion.convolution.weight, fusion.convolution.bias
    for i in range(B):
        difference = (a[i] - b[i]).abs()
        for k in range(4):
            total = 0.0
            for y in range(2):
                for x in range(3):
                    value = float(bias[k])
                    for dy in (-1, 0, 1):
                        for dx in (-1, 0, 1):
                            if 0 <= y + dy < 2 and 0 <= x + dx < 3:
                                value += float(weight[k, :, dy + 1, dx + 1] @ difference[:, y + dy, x + dx])
                    total += max(value, 0.0)
            assert float(fusion(a, b)[i, k]) == pytest.approx(total / 6, abs=1e-5)


@torch.no_grad()
def test_pixel_distance() -> None:
    fusion = build("pixel_distance")
    fusion.scale.fill_(2.0)
    a, b = randn(2, B, 3, 4, 4)
    for i in range(B):
        rms = sqrt(
            sum((x - y) ** 2 for x, y in zip(a[i].flatten().tolist(), b[i].flatten().tolist(), strict=True)) / 48
        )
        assert float(fusion(a, b)[i]) == pytest.approx(1 - 2 * rms, abs=1e-5)
    torch.testing.assert_close(fusion(a, a), torch.ones(B), rtol=0, atol=1e-5)


@torch.no_grad()
def test_decision_average_is_additive() -> None:
    """f(a, b) + f(c, d) = f(a, d) + f(c, b): no such score can express "equal"."""
    fusion, (a, b), (c, d) = build("decision_average"), embeddings(), embeddings(seed=1)
    torch.testing.assert_close(fusion(a, b) + fusion(c, d), fusion(a, d) + fusion(c, b), **EXACT)
    torch.testing.assert_close(fusion(a, b), (fusion.decide(a) + fusion.decide(b)).flatten() / 2, **EXACT)


def test_two_channel_declares_what_it_joins() -> None:
    fusion = build("two_channel")
    a, b = randn(2, B, 3, 8, 8)
    joint = fusion(a, b)
    assert torch.equal(joint[:, :3], a)
    assert torch.equal(joint[:, 3:], b)
    assert fusion.joined(MapShape(3, 8, 8)) == MapShape(6, 8, 8)


# Attention


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("context", ["self", "other"])
@torch.no_grad()
def test_attention_is_torchs_with_the_same_weights(heads: int, context: str) -> None:
    layer = type(build("cross_attention:width=8:heads=2").attention)(8, heads)
    reference = nn.MultiheadAttention(8, heads, batch_first=True)
    reference.in_proj_weight.copy_(torch.cat([layer.queries.weight, layer.keys.weight, layer.values.weight]))
    reference.in_proj_bias.copy_(torch.cat([layer.queries.bias, torch.zeros(8), layer.values.bias]))
    reference.out_proj.weight.copy_(layer.out.weight)
    reference.out_proj.bias.copy_(layer.out.bias)
    x = randn(B, 4, 8)
    other = x if context == "self" else randn(B, 7, 8, seed=1)
    torch.testing.assert_close(layer(x, other), reference(x, other, other)[0], **EXACT)


@torch.no_grad()
def test_a_bias_on_the_keys_would_change_nothing() -> None:
    """Which is why the keys have none."""
    layer = build("cross_attention:width=8:heads=2").attention
    x, context = randn(B, 4, 8), randn(B, 7, 8, seed=1)
    before = layer(x, context)
    layer.keys.register_parameter("bias", nn.Parameter(randn(8)))
    torch.testing.assert_close(layer(x, context), before, **EXACT)


@torch.no_grad()
def test_cross_attention() -> None:
    fusion = build("cross_attention:width=8:heads=2")
    a, b = tokens()
    s, t = fusion.project(a) + fusion.positions, fusion.project(b) + fusion.positions

    def attend(x: Tensor, context: Tensor) -> Tensor:
        x = x + fusion.attention(fusion.norm(x), fusion.norm(context))
        return (x + fusion.mlp(fusion.norm_mlp(x))).mean(1)

    u, v = attend(s, t), attend(t, s)
    torch.testing.assert_close(fusion(a, b), torch.cat([(u - v).abs(), u * v], 1), **EXACT)
    same = fusion(a, a)
    torch.testing.assert_close(same[:, :8], torch.zeros(B, 8), **EXACT)


@torch.no_grad()
def test_joint_transformer_reads_both_images() -> None:
    fusion = build("joint_transformer:width=8:heads=2")
    (a, b), (c, d) = tokens(), tokens(seed=1)
    assert fusion(a, b).shape == (B, 8)
    assert (fusion(a, b) - fusion(c, b)).abs().max() > 1e-3
    assert (fusion(a, b) - fusion(a, d)).abs().max() > 1e-3


@torch.no_grad()
def test_segment_embeddings_tell_the_images_apart() -> None:
    a, b = tokens()
    with_segments = build("joint_transformer:width=8:heads=2")
    without = build("joint_transformer:width=8:heads=2:segment_embedding=false")
    torch.testing.assert_close(without(a, b), without(b, a), **EXACT)
    assert (with_segments(a, b) - with_segments(b, a)).abs().max() > 1e-4
    assert without.symmetric
    assert not with_segments.symmetric


# Invariances

permutations = st.permutations(range(SPEC.tokens))


@given(permutations, permutations)
@settings(max_examples=10, deadline=None)
def test_corelnet_does_not_see_the_order_of_tokens(p: list[int], q: list[int]) -> None:
    fusion, (a, b) = build("corelnet"), tokens()
    torch.testing.assert_close(fusion(a[:, p], b[:, q]), fusion(a, b), rtol=0, atol=1e-4)


@given(permutations, permutations)
@settings(max_examples=10, deadline=None)
def test_correlation_does_not_see_the_order_of_positions(p: list[int], q: list[int]) -> None:
    fusion, (a, b) = build("correlation"), maps()
    moved = [side.flatten(2)[:, :, order].unflatten(2, (2, 3)) for side, order in ((a, p), (b, q))]
    torch.testing.assert_close(fusion(*moved), fusion(a, b), rtol=0, atol=1e-4)


@given(permutations)
@settings(max_examples=10, deadline=None)
def test_attention_without_positions_does_not_see_the_order(p: list[int]) -> None:
    """Only the position embeddings tell tokens apart."""
    a, b = tokens()
    for name in ("cross_attention", "joint_transformer"):
        fusion = build(name)
        with torch.no_grad():
            fusion.positions.zero_()
        torch.testing.assert_close(fusion(a[:, p], b[:, p]), fusion(a, b), rtol=0, atol=1e-4)


@given(permutations)
@settings(max_examples=10, deadline=None)
def test_positions_matter_to_attention(p: list[int]) -> None:
    if p == sorted(p):
        return
    a, b = tokens()
    fusion = build("joint_transformer")
    with torch.no_grad():
        fusion.positions.mul_(50)
        assert (fusion(a[:, p], b[:, p]) - fusion(a, b)).abs().max() > 1e-3


def test_corelnet_sees_relations_only() -> None:
    """Rotating the projected features changes nothing: it reads angles, not features."""
    fusion, (a, b) = build("corelnet:width=5"), tokens()
    rotation = torch.linalg.qr(randn(5, 5)).Q
    with torch.no_grad():
        before = fusion(a, b)
        fusion.project.weight.copy_(rotation @ fusion.project.weight)
        fusion.project.bias.copy_(rotation @ fusion.project.bias)
        torch.testing.assert_close(fusion(a, b), before, rtol=0, atol=1e-4)


@given(st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_symmetric_fusions_are_symmetric(seed: int) -> None:
    inputs = {"embedding": embeddings(seed), "map": maps(seed), "tokens": tokens(seed)}
    for name in FUSIONS:
        cls = FUSIONS.get(name)
        if cls.symmetric and cls.needs in inputs:
            a, b = inputs[cls.needs]
            fusion = build(name)
            torch.testing.assert_close(fusion(a, b), fusion(b, a), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["abs_diff", "random_encoder", "fmap_diff"])
def test_identical_inputs_join_to_the_same_whatever_they_are(name: str) -> None:
    inputs = maps() if name == "fmap_diff" else embeddings()
    fusion = build(name)
    first, second = (fusion(side, side) for side in inputs)
    torch.testing.assert_close(first, second, **EXACT)


# Metadata


@pytest.mark.parametrize("name", list(FUSIONS))
def test_the_card_is_complete(name: str) -> None:
    cls = FUSIONS.get(name)
    families = "input map token embedding bilinear similarity relational control reference"
    assert cls.family in families.split()
    assert cls.paper
    assert "``" in (cls.__doc__ or ""), "the docstring gives the formula"
    assert "->" in (cls.__doc__ or ""), "the docstring gives the shapes"


def test_the_shared_head() -> None:
    head = mlp(6)
    assert head(randn(B, 6)).shape == (B, 1)
    assert [type(layer) for layer in head] == [nn.Linear, nn.GELU, nn.Linear]


def test_a_fusion_without_forward_says_so() -> None:
    with pytest.raises(TypeError, match="Fusion does not define forward"):
        Fusion(1)(randn(1, 1), randn(1, 1))
