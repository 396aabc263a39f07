"""What every built-in fusion tells about itself, and what the base class gives it."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

from bench import zoo
from bench.fusion import FUSIONS, Fusion, mlp

zoo.load()
FAMILIES = "input map token embedding bilinear similarity relational matching gating control reference"


@pytest.mark.parametrize("name", list(FUSIONS))
def test_the_card_is_complete(name: str) -> None:
    cls = FUSIONS.get(name)
    assert cls.family in FAMILIES.split()
    assert cls.paper or cls.role != "fusion"
    assert "``" in (cls.__doc__ or ""), "the docstring gives the formula"
    assert "->" in (cls.__doc__ or ""), "the docstring gives the shapes"


def test_the_shared_head(small: Any) -> None:
    head = mlp(6)
    assert head(small.randn(3, 6)).shape == (3, 1)
    assert [type(layer) for layer in head] == [nn.Linear, nn.GELU, nn.Linear]


def test_a_fusion_without_forward_says_so(small: Any) -> None:
    with pytest.raises(TypeError, match="Fusion does not define forward"):
        Fusion(1)(small.randn(1, 1), small.randn(1, 1))
