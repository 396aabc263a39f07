"""What one call of each mode does, seen from inside the fusion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.errors import NotApplicableError
from bench.fusion import FUSIONS
from bench.speed.rows import Mode, Row
from bench.speed.steps import prepare
from bench.training.recipe import declared_recipe

BACKBONE = "mobilenetv3_small_32"
ROW = Row("spy", BACKBONE, "infer", 4, "cpu", "float32", "channels_last", 1)
SPY = """
@register
class Spy(Fusion):
    '''Notes how it is called.'''

    name, family, needs, symmetric, paper = "spy", "embedding", "embedding", True, "none"
    calls = []

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        modes = torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu"), self.training
        Spy.calls.append((len(a), *modes))
        return (a - b).abs()
"""
Call = tuple[int, bool, bool, bool]


@pytest.fixture
def calls(plugin: Callable[..., Path]) -> list[Call]:
    plugin(SPY)
    found: Any = FUSIONS.get("spy")
    return found.calls


def run(row: Row, calls: list[Call], beats: int = 3) -> tuple[list[Call], int]:
    """The calls of the fusion during ``beats``, and the pairs of each beat."""
    work = prepare(row, row.batch or 1)
    calls.clear()
    work.run(repeat(None, beats))
    return calls, work.pairs


@pytest.mark.parametrize(("mode", "rows"), [("infer", 4), ("head", 4), ("cached", 16)])
def test_one_call_per_beat(mode: Mode, rows: int, calls: list[Call]) -> None:
    assert run(replace(ROW, mode=mode), calls) == ([(rows, True, False, False)] * 3, rows)


@pytest.mark.parametrize("mode", ["infer", "head"])
def test_both_orders_are_joined_once(mode: Mode, calls: list[Call]) -> None:
    found, _ = run(replace(ROW, fusion="spy:symmetrize=true", mode=mode), calls)
    assert [rows for rows, *_ in found] == [8] * 3


def test_training_re_pairs_as_a_sweep_does(calls: list[Call]) -> None:
    times = min(declared_recipe(BACKBONE, "finetune", {}).pairs_per_image, 4)
    assert run(replace(ROW, mode="train"), calls) == ([(4 * times, False, False, True)] * 3, 4)


@pytest.mark.parametrize("mode", ["infer", "train"])
def test_bfloat16_is_autocast(mode: Mode, calls: list[Call]) -> None:
    found, _ = run(replace(ROW, mode=mode, dtype="bfloat16"), calls, beats=1)
    assert all(autocast for _, _, autocast, _ in found)


def test_cached_comparison_is_every_image_with_every_other() -> None:
    """Scores of abs_diff on a batch: the diagonal of N x N is what the pairs score one by one."""
    seen: list[torch.Tensor] = []
    row = replace(ROW, fusion="cosine")
    work = prepare(replace(row, mode="cached"), 3)
    compare = torch.nn.functional.cosine_similarity
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            torch.nn.functional, "cosine_similarity", lambda *a, **k: seen.append(compare(*a, **k)) or seen[-1]
        )
        work.run([None])
        prepare(replace(row, mode="infer"), 3).run([None])
    assert torch.allclose(seen[0].view(3, 3).diagonal(), seen[1], atol=1e-5)
    assert len(set(seen[0].tolist())) == 9


@pytest.mark.parametrize(
    ("fusion", "mode", "batch", "reason"),
    [
        ("two_channel", "head", 2, "layers of the backbone run after the join"),
        ("two_channel", "cached", 2, "joins the images before they are encoded"),
        ("pseudo_siamese", "cached", 2, "different towers"),
        ("template_oracle", "infer", 2, "given likelihoods, no images"),
        ("two_channel", "train", 1, "BatchNorm cannot train on a single example"),
    ],
)
def test_what_makes_no_sense_says_why(fusion: str, mode: Mode, batch: int, reason: str) -> None:
    with pytest.raises(NotApplicableError, match=reason):
        prepare(replace(ROW, fusion=fusion, mode=mode), batch).run([None])
