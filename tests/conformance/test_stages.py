"""The conformance suite over joins inside the backbone, which run as a parameter of fusions that pool by default."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bench import zoo
from bench.conformance.cases import Case
from bench.conformance.suite import check_case
from bench.fusion import FUSIONS
from bench.spec import parse_spec

pytestmark = pytest.mark.conformance

zoo.load()
BACKBONE = "mobilenetv3_small_32"
STAGES = [
    f"{name}:{parameter}={stage}"
    for name in FUSIONS
    for parameter in ("stage", "map_stage")
    for stage in (0, 2)
    if parameter in inspect.signature(FUSIONS.get(name)).parameters
]

EXCHANGE = """
@register
class Trade(Fusion):
    '''Each stream takes the sign of the other.'''

    name, family, needs, symmetric, paper = "trade", "map", "exchange", True, "none"

    def __init__(self, spec: FeatureSpec, stage: int = 1) -> None:
        super().__init__(out_dim=spec.dim)
        self.stage = stage

    def exchange(self, p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        return {returned}

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs()
"""


def problems(fusion: str) -> dict[str, str]:
    return {result.check: result.problem for result in check_case(fusion, BACKBONE) if result.problem}


@pytest.mark.parametrize("fusion", STAGES)
def test_joins_inside_the_backbone_conform(fusion: str) -> None:
    assert problems(fusion) == {}


def test_an_exchange_conforms_and_is_what_the_model_runs(plugin: Callable[..., Path]) -> None:
    plugin(EXCHANGE.format(returned="p * q.sign(), q * p.sign()"))
    assert problems("trade") == {}
    case = Case(parse_spec("trade"), BACKBONE)
    model, (a, b) = case.model.eval(), case.images(4)
    with torch.no_grad():
        maps = model.backbone.lower(model.together(a, b), 1).chunk(2)
        assert maps[0].shape[1:] == case.shape()
        assert torch.equal(case.joint().eval()(*maps), model(a, b))


@pytest.mark.parametrize("returned", ["p + q", "(p, q.mean((2, 3)))", "(p, q, p)", "(p[:, :2], q[:, :2])"])
def test_an_exchange_returns_two_maps_of_the_same_shape(returned: str, plugin: Callable[..., Path]) -> None:
    plugin(EXCHANGE.format(returned=returned))
    assert "exchange must return two maps of the shape" in problems("trade")["shape"]


def test_an_exchange_that_treats_the_streams_differently_is_not_symmetric(plugin: Callable[..., Path]) -> None:
    plugin(EXCHANGE.format(returned="p + q, q"))
    assert "declared symmetric" in problems("trade")["symmetric"]
