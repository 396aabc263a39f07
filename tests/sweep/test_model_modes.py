"""Cells of every way in which two streams can meet, from warm-up to record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Sweep = Callable[..., tuple[int, list[dict[str, Any]], str]]
MODES = ["side_by_side", "stack_diff", "film:stage=1", "mmtm", "attention_gate:map_stage=1", "pseudo_siamese"]


@pytest.mark.parametrize("backbone", ["mobilenetv3_small_32", pytest.param("tiny_vit", marks=pytest.mark.slow)])
def test_every_mode_is_fine_tuned_from_a_warm_up(backbone: str, sweep: Sweep) -> None:
    code, records, printed = sweep(fusion=MODES, backbone=backbone, protocol="finetune")
    assert code == 0, printed
    assert {record["status"] for record in records} == {"ok"}
    size = {record["fusion"]: record["cost"]["parameters"] for record in records}
    assert len(size) == len(MODES)
    assert size["pseudo_siamese"] > 1.7 * size["mmtm"]


def test_frozen_encodings_of_different_stages_are_kept_apart(sweep: Sweep) -> None:
    """They have other shapes: a model that got those of another stage would fail."""
    stages = ["attention_gate:map_stage=0", "attention_gate:map_stage=1", "attention_gate"]
    code, records, printed = sweep(fusion=[*stages, "pseudo_siamese", "mmtm"], protocol="frozen")
    assert code == 0, printed
    status = {record["fusion"]: record["status"] for record in records}
    assert {status[name] for name in stages} == {"ok"}
    assert {status["pseudo_siamese"], status["mmtm"]} == {"not_applicable"}
