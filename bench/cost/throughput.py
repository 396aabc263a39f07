"""Pairs per second of a model, end to end, in this process."""

from __future__ import annotations

import statistics
import time

import torch
from torch import Tensor

from bench.model import PairModel

BATCH = 32
ROUNDS = 5


def inference_pairs_per_second(model: PairModel, a: Tensor, b: Tensor) -> float:
    """Median over ``ROUNDS`` batches of ``BATCH`` pairs of uint8 images (N, 3, H, W), after one batch to warm up."""
    a, b = a[:BATCH], b[:BATCH]
    model.eval()
    rates = []
    with torch.inference_mode():
        model(a, b)
        for _ in range(ROUNDS):
            started = time.perf_counter()
            model(a, b)
            rates.append(len(a) / (time.perf_counter() - started))
    return statistics.median(rates)
