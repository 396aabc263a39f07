"""The whole zoo passes the conformance suite, on every backbone and with every switch."""

from __future__ import annotations

import inspect

import pytest

from bench import zoo
from bench.backbones import BACKBONES
from bench.conformance.suite import CHECKS, check_case
from bench.fusion import FUSIONS

zoo.load()
KNOWN = " (known failure)"


def switched() -> list[str]:
    """Every fusion with each of its switches the other way."""
    switches = [
        (name, parameter)
        for name in FUSIONS
        for parameter in inspect.signature(FUSIONS.get(name)).parameters.values()
        if isinstance(parameter.default, bool)
    ]
    return [f"{name}:{parameter.name}={str(not parameter.default).lower()}" for name, parameter in switches]


VARIANTS = [*switched(), "mfb:order=3", "concat:symmetrize=true", "two_channel:symmetrize=true"]


def conforms(fusion: str, backbone: str) -> None:
    results = check_case(fusion, backbone)
    assert [result.check.removesuffix(KNOWN) for result in results] == ["builds", *CHECKS]
    assert not [result for result in results if result.problem]
    assert any(result.expected for result in results) == bool(FUSIONS.get(fusion.split(":")[0]).known_failure)


@pytest.mark.conformance
@pytest.mark.parametrize("backbone", list(BACKBONES))
@pytest.mark.parametrize("fusion", list(FUSIONS))
def test_every_fusion_conforms_on_every_backbone(fusion: str, backbone: str) -> None:
    conforms(fusion, backbone)


@pytest.mark.conformance
@pytest.mark.parametrize("fusion", VARIANTS)
def test_variants_conform(fusion: str) -> None:
    conforms(fusion, "mobilenetv3_small_32")


def test_the_zoo_is_complete() -> None:
    essential = "two_channel fmap_diff correlation joint_transformer cross_attention concat abs_diff hadamard heuristic"
    controls = "single_image pixel_distance random_encoder decision_average concat_linear"
    assert set(FUSIONS) >= {*essential.split(), "low_rank_bilinear", "cosine", "corelnet", *controls.split()}
