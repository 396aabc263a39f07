"""The side of ``peer.py`` that runs in the environment of fusilli and imports nothing of this program.

It is given a folder with ``pairs.npz`` and ``settings.json`` and a seed, and prints as JSON: training pairs per second,
accuracy on the test pairs, parameters, version of torch.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from fusilli.data import prepare_fusion_data
from fusilli.fusionmodels.base_model import BaseModel
from fusilli.fusionmodels.tabularfusion.concat_data import ConcatTabularData
from fusilli.train import train_and_save_models
from torch import nn


class Clock:
    """Epochs trained, and seconds from the start of each to its validation; fusilli builds its trainer itself and takes
    no callback, so that the hooks of its module keep the time."""

    def __init__(self) -> None:
        self.epochs, self.seconds, self.started = 0, 0.0, 0.0
        BaseModel.on_train_epoch_start = lambda module: self.start()
        BaseModel.on_validation_start = lambda module: self.stop()

    def start(self) -> None:
        self.started = time.perf_counter()

    def stop(self) -> None:
        # The last validation comes after training.
        if self.started:
            self.epochs += 1
            self.seconds += time.perf_counter() - self.started
        self.started = 0.0


def write_tables(pairs: dict[str, np.ndarray], folder: Path) -> dict[str, str]:
    """The two sides of all pairs, training pairs first, as the tables that fusilli reads."""
    label = np.concatenate([pairs["train_label"], pairs["test_label"]])
    paths = {}
    for name, side in (("tabular1", "u"), ("tabular2", "v")):
        features = np.concatenate([pairs[f"train_{side}"], pairs[f"test_{side}"]])
        table = pd.DataFrame(features, columns=[f"feature{i}" for i in range(features.shape[1])])
        table.assign(prediction_label=label).to_csv(folder / f"{name}.csv", index_label="ID")
        paths[name] = str(folder / f"{name}.csv")
    return paths


def accuracy(model: nn.Module, pairs: dict[str, np.ndarray]) -> float:
    """Share of the test pairs whose score lies on the right side of 0."""
    u, v = (torch.from_numpy(pairs[f"test_{side}"]) for side in "uv")
    with torch.inference_mode():
        same = model.eval()(u, v).squeeze(1) > 0
    return float((same == torch.from_numpy(pairs["test_label"]).bool()).float().mean())


def train(data: Any, settings: dict[str, Any], epochs: int, seed: int) -> tuple[nn.Module, Clock]:
    """The trained model, with the head of this program in place of fusilli's own, and what its epochs took."""
    torch.manual_seed(seed)
    head = nn.Sequential(nn.Linear(2 * settings["dim"], settings["hidden"]), nn.GELU())
    clock = Clock()
    (trained,) = train_and_save_models(
        data,
        ConcatTabularData,
        layer_mods={"ConcatTabularData": {"fused_layers": head}},
        max_epochs=epochs,
        enable_checkpointing=False,
        new_optimiser={"learning rate": settings["lr"]},
    )
    return trained.model, clock


def main(folder: Path, seed: int) -> dict[str, Any]:
    torch.set_num_threads(1)
    settings = json.loads((folder / "settings.json").read_text())
    pairs = dict(np.load(folder / "pairs.npz"))
    examples, tests = len(pairs["train_label"]), len(pairs["test_label"])
    data = prepare_fusion_data(
        "binary",
        ConcatTabularData,
        write_tables(pairs, folder),
        {name: str(folder) for name in ("checkpoints", "losses", "figures")},
        batch_size=settings["batch"],
        test_indices=list(range(examples, examples + tests)),
    )
    train(data, settings, 1, seed)
    model, clock = train(data, settings, settings["epochs"], seed)
    return {
        "rate": clock.epochs * examples / clock.seconds,
        "accuracy": accuracy(model, pairs),
        "parameters": sum(p.numel() for p in model.parameters()),
        "torch": torch.__version__,
    }


if __name__ == "__main__":
    # What the libraries print must not mix with the answer.
    with contextlib.redirect_stdout(sys.stderr):
        answer = main(Path(sys.argv[1]), int(sys.argv[2]))
    print(json.dumps(answer))
