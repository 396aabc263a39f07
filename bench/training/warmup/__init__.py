"""Warm-ups: pretraining of a backbone that is computed once and shared by all cells."""

from __future__ import annotations

from bench.training.warmup import autoencoder, centre, jigsaw, names, rotation, supcon
from bench.training.warmup.cache import Warmup, cache_folder, ensure, is_cached, load_into, restore, warmup_key
from bench.training.warmup.contract import WARMUPS, Measure, Start, WarmupTask, register_warmup
from bench.training.warmup.train import answers, build_task, canonical_name, named_examples, task_class, task_recipe

__all__ = [
    "WARMUPS",
    "Measure",
    "Start",
    "Warmup",
    "WarmupTask",
    "answers",
    "autoencoder",
    "build_task",
    "cache_folder",
    "canonical_name",
    "centre",
    "ensure",
    "is_cached",
    "jigsaw",
    "load_into",
    "named_examples",
    "names",
    "register_warmup",
    "restore",
    "rotation",
    "supcon",
    "task_class",
    "task_recipe",
    "warmup_key",
]
