"""The hidden units of the shared head, and the count of fusion and head."""

from __future__ import annotations

from typing import Any

import pytest

from bench import zoo
from bench.cost.counts import count_parameters
from bench.errors import UsageError
from bench.fusion import FUSIONS
from bench.model import IMAGE, count_joint, feature_spec
from bench.spec import parse_spec

zoo.load()
FEATURES = feature_spec("mobilenetv3_small_32", IMAGE)


@pytest.mark.parametrize(
    "fusion", ["concat", "fmap_diff", "joint_transformer", "two_channel", "concat:symmetrize=true"]
)
def test_the_head_has_the_hidden_units_asked_for(models: Any, fusion: str) -> None:
    plain, small = models.build(fusion).head, models.build(f"{fusion}:head=24").head
    assert plain[0].out_features == plain[2].in_features == 128
    assert small[0].out_features == small[2].in_features == 24
    assert small[0].in_features == plain[0].in_features


@pytest.mark.parametrize(
    ("fusion", "message"),
    [
        ("cosine:head=64", "cosine has no shared head with hidden units"),
        ("concat_linear:head=64", "has no shared head"),
        ("concat:head=0", "head must be a number of hidden units of 1 to 1,000,000, got 0"),
        ("concat:head=wide", "got 'wide'"),
        ("concat:head=true", "got True"),
    ],
)
def test_other_hidden_units_are_refused(models: Any, fusion: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        models.build(fusion)


@pytest.mark.parametrize("fusion", [name for name in FUSIONS if FUSIONS.get(name).sees != "likelihoods"])
def test_fusion_and_head_are_counted_without_the_backbone(models: Any, fusion: str) -> None:
    assert count_joint(parse_spec(fusion), FEATURES) == count_parameters(models.build(fusion)).fusion
