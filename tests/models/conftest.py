"""A run that keeps its models."""

import pytest
from rich.console import Console

from bench.sweep.config import load_config
from bench.sweep.run import run_sweep

TINY = {"train_pairs": 64, "batch_size": 32, "val_pairs": 64}


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """A folder with two seeds of a siamese model, one of pixels and one whose threshold validation sets."""
    out = tmp_path_factory.mktemp("models")
    for fusion, objective in (("concat", "bce"), ("two_channel", "bce"), ("cosine", "contrastive")):
        given = {
            "fusion": fusion,
            "seed": (0, 1),
            "protocol": "scratch",
            "recipe": {**TINY, "objective": objective},
            "test_pairs": 64,
            "save": "all",
            "jobs": 0,
            "out": str(out),
        }
        run_sweep(load_config(given), ["bench", "run"], Console(quiet=True))
    return out
