"""The composition of backbone, fusion and head."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bench import zoo
from bench.backbones import BACKBONES
from bench.errors import NotApplicableError, UsageError
from bench.fusion import FUSIONS, MapShape
from bench.model import IMAGE, PairModel, build_model, feature_spec, standardise
from bench.spec import parse_spec
from bench.training.objectives import bce
from bench.training.pairs import FrozenModel

zoo.load()
BACKBONE = "mobilenetv3_small_32"
SMALL = MapShape(3, 16, 16)
Plugin = Callable[..., Path]

# All but the reference that is given likelihoods in place of images.
OF_IMAGES = [name for name in FUSIONS if FUSIONS.get(name).sees != "likelihoods"]


def build(fusion: str, backbone: str = BACKBONE, seed: int = 0, image: MapShape = IMAGE) -> PairModel:
    return build_model(parse_spec(fusion), backbone, image, seed)


def images(n: int, seed: int = 0, image: MapShape = IMAGE) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (2, n, image.channels, image.height, image.width)
    a, b = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    return a, b


def scores(model: PairModel, a: Tensor, b: Tensor) -> Tensor:
    with torch.no_grad():
        return model.eval()(a, b)


# Initialisation


@pytest.mark.parametrize("backbone", list(BACKBONES))
def test_all_fusions_start_from_the_same_backbone(backbone: str) -> None:
    """Weights that two fusions both use are equal: comparisons of fusions are paired."""
    models = [build(name, backbone) for name in OF_IMAGES if FUSIONS.get(name).needs in ("map", "tokens", "embedding")]
    whole = next(model for model in models if model.reads == "embedding").backbone.state_dict()
    for model in models:
        state = model.backbone.state_dict()
        assert state.keys() <= whole.keys()
        assert all(torch.equal(tensor, whole[name]) for name, tensor in state.items())


def test_a_seed_decides_everything() -> None:
    first, again, other = build("concat"), build("concat"), build("concat", seed=1)
    for part in ("fusion", "backbone", "head"):
        state = getattr(first, part).state_dict()
        assert all(torch.equal(tensor, getattr(again, part).state_dict()[name]) for name, tensor in state.items())
    assert not torch.equal(first.head[0].weight, other.head[0].weight)
    assert not torch.equal(first.backbone.stem[0].weight, other.backbone.stem[0].weight)


@pytest.mark.parametrize("backbone", list(BACKBONES))
@pytest.mark.parametrize("fusion", ["concat", "joint_transformer", "two_channel", "pixel_distance"])
def test_building_leaves_the_global_random_state(fusion: str, backbone: str) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    build(fusion, backbone)
    assert torch.equal(torch.rand(3), expected)


def test_building_does_not_depend_on_the_global_random_state() -> None:
    torch.manual_seed(1)
    feature_spec.cache_clear()
    first = build("low_rank_bilinear")
    torch.manual_seed(2)
    second = build("low_rank_bilinear")
    assert all(
        torch.equal(x, y) for x, y in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


# One pass


def test_both_images_go_through_in_one_concatenated_batch() -> None:
    model = build("concat").train()
    sizes: list[int] = []
    model.backbone.stem.register_forward_hook(lambda module, args, result: sizes.append(len(args[0])))
    model(*images(3))
    assert sizes == [6]


def test_both_orders_cost_one_encoding() -> None:
    model = build("concat").eval()
    sizes: list[int] = []
    model.backbone.stem.register_forward_hook(lambda module, args, result: sizes.append(len(args[0])))
    model.both_orders(*images(3))
    assert sizes == [6]


def test_batch_statistics_do_not_depend_on_the_order() -> None:
    """In training mode too: A and B share the statistics of BatchNorm."""
    a, b = images(8)
    model = build("abs_diff").train()
    assert torch.allclose(model(a, b), model(b, a), atol=1e-5)


@pytest.mark.parametrize("fusion", [*OF_IMAGES, "concat:symmetrize=true", "two_channel:symmetrize=true"])
def test_both_orders_are_two_forward_passes(fusion: str) -> None:
    model = build(fusion).eval()
    a, b = images(4)
    with torch.no_grad():
        first, second = model.both_orders(a, b)
        assert torch.allclose(first, model(a, b), atol=1e-5)
        assert torch.allclose(second, model(b, a), atol=1e-5)
    assert first.shape == (4,)


@pytest.mark.parametrize("fusion", list(FUSIONS))
def test_the_score_is_encode_and_compare(fusion: str) -> None:
    model = build(fusion).eval()
    a, b = images(4)
    if not model.encodes_separately:
        with pytest.raises(NotApplicableError, match=f"{fusion} joins the images before they are encoded"):
            model.encode(a)
        with pytest.raises(NotApplicableError, match="before they are encoded"):
            model.compare(a, b)
        return
    with torch.no_grad():
        assert torch.allclose(model(a, b), model.compare(model.encode(a), model.encode(b)), atol=1e-5)


@pytest.mark.parametrize("fusion", ["concat", "corelnet", "concat:symmetrize=true"])
def test_the_frozen_model_scores_encodings(fusion: str) -> None:
    model = build(fusion).eval()
    a, b = images(4)
    with torch.no_grad():
        frozen = FrozenModel(model).eval()
        assert torch.allclose(frozen(model.encode(a), model.encode(b)), model(a, b), atol=1e-5)
    assert frozen.symmetric == model.symmetric


# Symmetry


@pytest.mark.parametrize("fusion", list(FUSIONS))
def test_symmetrize_makes_any_fusion_symmetric(fusion: str) -> None:
    model = build(f"{fusion}:symmetrize=true")
    assert model.symmetric
    a, b = images(4)
    assert torch.allclose(scores(model, a, b), scores(model, b, a), atol=1e-6)


def test_symmetrized_scores_are_the_mean_of_both_orders() -> None:
    plain, symmetrized = build("concat"), build("concat:symmetrize=true")
    a, b = images(4)
    expected = (scores(plain, a, b) + scores(plain, b, a)) / 2
    assert torch.allclose(scores(symmetrized, a, b), expected, atol=1e-6)
    assert (scores(plain, a, b) - scores(plain, b, a)).abs().max() > 1e-4


def test_symmetrize_off_changes_nothing() -> None:
    a, b = images(2)
    assert torch.equal(scores(build("concat:symmetrize=false"), a, b), scores(build("concat"), a, b))


def test_symmetrize_takes_a_truth_value() -> None:
    with pytest.raises(UsageError, match="symmetrize must be"):
        build("concat:symmetrize=often")


# What trains


@pytest.mark.parametrize("backbone", list(BACKBONES))
@pytest.mark.parametrize("fusion", [name for name in OF_IMAGES if name not in ("pixel_distance", "random_encoder")])
def test_every_parameter_of_the_whole_model_trains(fusion: str, backbone: str) -> None:
    """A layer that the fusion never reads would be counted as a cost and never trained."""
    image = SMALL if backbone != "resnet18" else IMAGE
    model = build(fusion, backbone, image=image).train()
    bce(model(*images(4, image=image)), torch.tensor([0, 1, 0, 1])).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_the_random_encoder_stays_as_it_is() -> None:
    model = build("random_encoder").train()
    bce(model(*images(4)), torch.tensor([0, 1, 0, 1])).backward()
    assert all(p.grad is None for p in model.backbone.parameters())
    assert all(p.grad is not None for p in model.head.parameters())


def test_the_random_encoder_is_the_untrained_backbone() -> None:
    random, plain = build("random_encoder"), build("abs_diff")
    a, b = images(4)
    assert torch.equal(scores(random, a, b), scores(plain, a, b))


def test_pixel_distance_has_no_backbone() -> None:
    model = build("pixel_distance")
    assert model.backbone is None
    assert sum(p.numel() for p in model.parameters()) == 2


# Stages

STAGE = """
@register
class StageDifference(Fusion):
    '''Difference of the maps after a stage; the rest of the backbone reads it.'''

    name, family, needs, symmetric, paper = "stage_difference", "map", "stage", True, "none"

    def __init__(self, spec: FeatureSpec, stage: int = 0) -> None:
        super().__init__(out_dim=spec.dim)
        self.stage = stage

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs()
"""


@pytest.mark.parametrize("backbone", list(BACKBONES))
def test_a_stage_fusion_joins_in_the_middle(backbone: str, plugin: Plugin) -> None:
    plugin(STAGE)
    model = build("stage_difference:stage=1", backbone).eval()
    a, b = images(3)
    tower = model.backbone
    with torch.no_grad():
        features = [tower.stem(standardise(side)) for side in (a, b)]
        for stage in tower.stages[:2]:
            features = [stage(side) for side in features]
        joined = (features[0] - features[1]).abs()
        for stage in tower.stages[2:]:
            joined = stage(joined)
        expected = model.head(tower.embedding(joined)).flatten()
        assert torch.allclose(model(a, b), expected, atol=1e-5)
    assert not model.encodes_separately


@pytest.mark.parametrize("stage", [0, 2])
def test_the_first_and_the_last_stage_work(stage: int, plugin: Plugin) -> None:
    plugin(STAGE)
    assert scores(build(f"stage_difference:stage={stage}"), *images(2)).shape == (2,)


@pytest.mark.parametrize("stage", [3, -1])
def test_a_stage_out_of_range_is_not_applicable(stage: int, plugin: Plugin) -> None:
    plugin(STAGE)
    with pytest.raises(NotApplicableError, match=f"stage {stage}: {BACKBONE} has 3 stages"):
        build(f"stage_difference:stage={stage}")


# Standardisation


def test_standardise_recomputed() -> None:
    a, _ = images(2)
    result = standardise(a)
    for image, expected_of in zip(result, a.double(), strict=True):
        mean = expected_of.mean()
        deviation = ((expected_of - mean) ** 2).mean() ** 0.5
        assert torch.allclose(image.double(), (expected_of - mean) / (deviation + 1), atol=1e-5)


def test_standardise_of_each_image_is_its_own() -> None:
    a, b = images(2)
    assert torch.equal(standardise(torch.cat([a, b]))[:1], standardise(a[:1]))


@given(st.integers(0, 255), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_standardise_is_finite_and_centred(level: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    flat = torch.full((1, 3, 8, 8), level, dtype=torch.uint8)
    noisy = torch.randint(0, 256, (1, 3, 8, 8), dtype=torch.uint8, generator=generator)
    result = standardise(torch.cat([flat, noisy]))
    assert torch.equal(result[0], torch.zeros_like(result[0]))
    assert torch.allclose(result.mean((1, 2, 3)), torch.zeros(2), atol=1e-5)
    assert 0.95 < float(result[1].square().mean().sqrt()) < 1


def test_standardise_removes_brightness() -> None:
    dark = torch.randint(0, 128, (1, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(standardise(dark), standardise(dark + 100), atol=1e-5)


def test_standardise_is_float32_channels_last() -> None:
    result = standardise(images(2)[0])
    assert result.dtype == torch.float32
    assert result.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("fusion", ["concat", "fmap_diff", "corelnet", "two_channel", "pixel_distance"])
def test_the_whole_model_runs_in_float64(fusion: str) -> None:
    model = build(fusion).double().eval()
    a, b = images(2)
    with torch.no_grad():
        result = model(a.double(), b.double())
    assert result.dtype == torch.float64
    assert torch.allclose(result.float(), scores(build(fusion), a, b), atol=1e-4)


# Names


def test_unknown_names_and_parameters() -> None:
    with pytest.raises(UsageError, match="did you mean concat"):
        build("concta")
    with pytest.raises(UsageError, match="unknown backbone 'resnet81': did you mean resnet18"):
        build("concat", "resnet81")
    with pytest.raises(UsageError, match="fusion concat:rank=2: unknown parameter 'rank'"):
        build("concat:rank=2")


@pytest.mark.parametrize("fusion", OF_IMAGES)
def test_other_image_sizes(fusion: str) -> None:
    assert scores(build(fusion, "tiny_vit", image=SMALL), *images(2, image=SMALL)).shape == (2,)


def test_the_head_follows_the_fusion() -> None:
    assert isinstance(build("abs_diff").head, nn.Sequential)
    assert isinstance(build("concat_linear").head, nn.Linear)
    assert isinstance(build("cosine").head, nn.Identity)
