"""Models by name: which kind of model a fusion asks for, initialised from a seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

import torch
from torch import nn

from bench.backbones import Backbone, Preparation, Weights, create_backbone
from bench.errors import UsageError
from bench.fusion import FUSIONS, HEAD, SYMMETRIZE, FeatureSpec, Fusion, MapShape, mlp
from bench.guard import building
from bench.model.base import PairModel, build_head
from bench.model.kinds import (
    ExchangeModel,
    LikelihoodModel,
    PixelModel,
    PixelScoreModel,
    SeparateModel,
    StageModel,
    Symmetrized,
    TwoTowerModel,
)
from bench.spec import LARGEST_WHOLE, Spec, check_params

IMAGE = MapShape(3, 32, 32)


@cache
def feature_spec(backbone: str, image: MapShape, weights: Weights | Preparation | None = None) -> FeatureSpec:
    """What the named backbone hands to a fusion, measured once."""
    return create_backbone(backbone, image, weights, trained=False).spec


def build_fusion(fusion: Spec, spec: FeatureSpec, classes: int = 2) -> Fusion:
    """A fusion by name with its parameters checked.

    ``symmetrize`` and ``head`` (hidden units of the shared head) are parameters of the model, not of the fusion.

    Raises:
        UsageError: an unknown name or parameter, or a value from which nothing can be built.
        NotApplicableError: the fusion cannot join what the backbone hands over.
    """
    cls = FUSIONS.get(fusion.name)
    if not isinstance(fusion.params.get(SYMMETRIZE, False), bool):
        raise UsageError(f"fusion {fusion}: {SYMMETRIZE} must be true or false")
    params = {key: value for key, value in fusion.meant.items() if key not in (SYMMETRIZE, HEAD)}
    checked = check_params(cls, params, given=("spec",), where=f"fusion {fusion}")
    built = _construct(fusion, cls, replace(spec, classes=classes), checked)
    if HEAD in fusion.params:
        built.head_width = _head_width(fusion, built)
    if built.needs in ("stage", "exchange"):
        spec.stage(built.stage)
    if built.map_stage is not None:
        spec.stage(built.map_stage)
    return built


def _construct(fusion: Spec, cls: type[Fusion], spec: FeatureSpec, params: Mapping[str, Any]) -> Fusion:
    """The fusion; what fails or would join nothing because of the user's ``params`` is bad input."""
    try:
        with building(cls, f"fusion {fusion}"):
            built = cls(spec, **params)  # type: ignore[arg-type]
    except (ArithmeticError, RuntimeError, ValueError) as error:
        if not params:
            raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UsageError(f"fusion {fusion}: cannot be built: {reason}") from None
    empty = [name for name, p in built.named_parameters() if not p.numel()]
    if params and (empty or built.out_dim < 1):
        what = f"its weights {', '.join(empty)} have" if empty else "what it returns has"
        raise UsageError(f"fusion {fusion}: {what} no entries; sizes must be at least 1")
    return built


def _head_width(fusion: Spec, built: Fusion) -> int:
    width = fusion.params[HEAD]
    if built.head != "mlp":
        raise UsageError(f"fusion {fusion}: {fusion.name} has no shared head with hidden units")
    if not isinstance(width, int) or isinstance(width, bool) or not 1 <= width <= LARGEST_WHOLE:
        raise UsageError(
            f"fusion {fusion}: {HEAD} must be a number of hidden units of 1 to {LARGEST_WHOLE:,}, got {width!r}"
        )
    return width


def count_joint(fusion: Spec, spec: FeatureSpec) -> int:
    """Parameters of fusion and head, without the backbone and without building it; raises like :func:`build_fusion`."""
    with torch.random.fork_rng(devices=[]):
        built = build_fusion(fusion, spec)
        # Where layers of the backbone run after the join, the head reads its embedding.
        behind = built.needs in ("pixels", "stage") and built.encoder != "none"
        head = mlp(spec.dim, built.head_width) if behind else build_head(built)
        return sum(p.numel() for p in nn.ModuleList([built, head]).parameters())


def build_model(
    fusion: Spec,
    backbone: str,
    image: MapShape = IMAGE,
    seed: int = 0,
    weights: Weights | Preparation | None = None,
    classes: int = 2,
) -> PairModel:
    """Compose a model from names.

    The backbone is initialised from ``seed`` alone and the fusion after it from ``seed`` again, so that all fusions
    start from the same backbone. The global random state is left as it was.

    Args:
        fusion: name and parameters; ``symmetrize=true`` averages the scores of both orders of any fusion, ``head=64``
            sets the hidden units of the shared head.
        image: shape of one image.
        weights: that others trained, to start from, or the preparation of images for weights that are put in
            afterwards; the encoder of a fusion that is to stay random does.
        classes: number of classes of the domain trained on, for references.

    Raises:
        UsageError: an unknown name or parameter.
        NotApplicableError: the combination makes no sense; the message says why.
    """
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would take a thousand times as long, and set the state of GPUs for good.
        seed_weights = partial(torch.default_generator.manual_seed, seed)
        seed_weights()
        joint = build_fusion(fusion, feature_spec(backbone, image, weights), classes)
        seed_weights()
        count = 0 if joint.encoder == "none" else joint.towers
        shape, trained = _input_shape(joint, image), joint.encoder == "trained"
        towers = [create_backbone(backbone, shape, weights, trained) for _ in range(count)]
        seed_weights()
        joint = build_fusion(fusion, feature_spec(backbone, image, weights), classes)
        model = _compose(joint, towers)
    return (Symmetrized(model) if fusion.params.get(SYMMETRIZE) else model).lay_out(torch.channels_last)


def _input_shape(fusion: Fusion, image: MapShape) -> MapShape:
    return fusion.joined(image) if fusion.needs == "pixels" else image


def _compose(fusion: Fusion, towers: list[Backbone]) -> PairModel:
    if fusion.sees == "likelihoods":
        return LikelihoodModel(fusion, None)
    if not towers:
        return PixelScoreModel(fusion, None)
    backbone = towers[0]
    if fusion.needs == "pixels":
        return PixelModel(fusion, backbone)
    if fusion.needs == "stage":
        return StageModel(fusion, backbone)
    if fusion.needs == "exchange":
        return ExchangeModel(fusion, backbone)
    reads = fusion.needs if fusion.map_stage is None else fusion.map_stage
    return TwoTowerModel(fusion, backbone, towers[1], reads) if towers[1:] else SeparateModel(fusion, backbone, reads)
