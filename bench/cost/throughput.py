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
    """Median over ``ROUNDS`` batches of ``BATCH`` pairs of uint8 images (N, 3, H, W) that lie on the device of the
    model, after one batch to warm up."""
    a, b = (side[:BATCH].to(model.device) for side in (a, b))
    model.eval()
    rates = []
    with torch.inference_mode(), model.casting():
        model(a, b).tolist()
        for _ in range(ROUNDS):
            started = time.perf_counter()
            # Reading the scores waits for them.
            model(a, b).tolist()
            rates.append(len(a) / (time.perf_counter() - started))
    return statistics.median(rates)
