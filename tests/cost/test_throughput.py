"""Pairs per second."""

from __future__ import annotations

import time
from itertools import count

import pytest
import torch
from torch import Tensor

from bench.cost import throughput
from bench.cost.throughput import inference_pairs_per_second
from bench.model import build_model
from bench.spec import parse_spec


def test_the_median_of_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that takes 1, 2, 4, 2, 2 seconds per round: 2 seconds for 8 pairs."""
    ticks = iter([0, 1, 1, 3, 3, 7, 7, 9, 9, 11])
    monkeypatch.setattr(throughput.time, "perf_counter", lambda: float(next(ticks)))
    model = build_model(parse_spec("pixel_distance"), "mobilenetv3_small_32")
    images = torch.zeros(8, 3, 32, 32, dtype=torch.uint8)
    assert inference_pairs_per_second(model, images, images) == 4


def test_one_round_warms_up_and_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_model(parse_spec("pixel_distance"), "mobilenetv3_small_32").train()
    calls, forward = count(), model.forward

    def slow_at_first(a: Tensor, b: Tensor) -> Tensor:
        if next(calls) == 0:
            time.sleep(0.2)
        assert not model.training
        assert torch.is_inference_mode_enabled()
        return forward(a, b)

    model.forward = slow_at_first  # type: ignore[method-assign]
    images = torch.zeros(throughput.BATCH + 5, 3, 32, 32, dtype=torch.uint8)
    assert inference_pairs_per_second(model, images, images) > throughput.BATCH / 0.2
    assert next(calls) == throughput.ROUNDS + 1
