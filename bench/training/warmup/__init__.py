"""Warm-ups: pretraining of a backbone that is computed once and shared by all cells."""

from __future__ import annotations

from bench.training.warmup import autoencoder, centre, jigsaw, names, pretrained, rotation, supcon
from bench.training.warmup.cache import Warmup, WarmupSpec, load_into
from bench.training.warmup.contract import (
    WARMUPS,
    Measure,
    Pretrained,
    Start,
    Trained,
    WarmupTask,
    given_weights,
    register_warmup,
)
from bench.training.warmup.train import answers, build_task, named_examples

__all__ = [
    "WARMUPS",
    "Measure",
    "Pretrained",
    "Start",
    "Trained",
    "Warmup",
    "WarmupSpec",
    "WarmupTask",
    "answers",
    "autoencoder",
    "build_task",
    "centre",
    "given_weights",
    "jigsaw",
    "load_into",
    "named_examples",
    "names",
    "pretrained",
    "register_warmup",
    "rotation",
    "supcon",
]
