"""Every planted bug fails the check that is there for it, with words that lead to it, and no other without reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml

from bench.conformance.suite import Result, check_case, check_choice
from bench.fusion import FUSIONS

BUGS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("planted_bugs.yaml").read_text())

TEMPLATE = """
@register
class Planted(Fusion):
    '''A fusion with a bug.'''

    name, family, needs, symmetric, paper = "planted", "embedding", "embedding", {symmetric}, "none"
    head = "{head}"

    def __init__(self, spec: FeatureSpec{params}) -> None:
        super().__init__(out_dim={out_dim})
{init}

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
{forward}
"""
SOUND_PARTS = {
    "symmetric": True,
    "head": "mlp",
    "params": "",
    "out_dim": "spec.dim",
    "init": "",
    "forward": "return (a - b).abs()",
}


def source(changes: dict[str, Any]) -> str:
    """A plug-in with the sound fusion ``|a - b|`` but for what ``changes`` holds of its parts."""
    parts = {name: changes.get(name, part) for name, part in SOUND_PARTS.items()}
    return TEMPLATE.format(**{**parts, **{name: indent(parts[name], " " * 8) for name in ("init", "forward")}})


def results() -> list[Result]:
    return check_choice(FUSIONS.settle("planted")) + check_case("planted", "mobilenetv3_small_32")


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug["bug"])
def test_a_planted_bug_fails_the_right_check(bug: dict[str, Any], plugin: Callable[..., Path]) -> None:
    plugin(source(bug))
    found = {result.check: result.problem for result in results() if result.problem}
    assert bug["says"] in found.get(bug["caught_by"], f"{bug['caught_by']} passed")
    assert set(found) - {bug["caught_by"]} <= set(bug.get("also", []))


SOUND = {
    "as it stands": {},
    "a gate that opens in the second step": {
        "init": "self.residual, self.gate = nn.Linear(spec.dim, spec.dim), nn.Parameter(torch.zeros(()))",
        "forward": "return (a - b).abs() + self.gate * self.residual((a - b).abs())",
    },
    "BatchNorm and dropout": {
        "init": "self.layers = nn.Sequential(nn.BatchNorm1d(spec.dim), nn.Dropout(0.2))",
        "forward": "return self.layers((a - b).abs())",
    },
    "BatchNorm in one pass, behind dropout": {
        "init": "self.layers = nn.Sequential(nn.Dropout(0.2), nn.BatchNorm1d(spec.dim, affine=False))",
        "forward": "u, v = self.layers(torch.cat([a, b])).chunk(2)\nreturn (u - v).abs()",
    },
    "a fixed sketch in a buffer": {
        "init": "self.register_buffer('order', torch.randperm(spec.dim))",
        "forward": "return (a - b).abs()[:, self.order]",
    },
    "layers in a ModuleList": {
        "init": "self.layers = nn.ModuleList([nn.Linear(spec.dim, spec.dim, bias=False)])",
        "forward": "return (self.layers[0](a) - self.layers[0](b)).abs()",
    },
    "a branch on values": {"forward": "return (a - b).abs() if (a < 1e9).all() else a * b"},
}


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_fusion_passes(kind: str, plugin: Callable[..., Path]) -> None:
    plugin(source(SOUND[kind]))
    assert [result for result in results() if result.problem] == []
