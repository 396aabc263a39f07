"""One fusion trained by this program and by fusilli, a library of fusions on PyTorch Lightning, in turn.

fusilli joins two tables, or a table and one grey image, and takes no two colour images. What both can train alike is a
join of two vectors: ``concat`` of the embeddings of a frozen backbone, which this program encodes once and hands to
both. ``ConcatTabularData`` of fusilli gets the head of this program in place of its own, so that both train the same
network on the same pairs of the domain ``color``, with the same batches, epochs and learning rate; each pair is seen
once an epoch. AdamW with a schedule and clipping here, Adam at a constant rate there.

Counted are training pairs per second in one thread: of ours the whole training loop, of theirs the epochs alone,
without set-up and validation. Both keep loss and accuracy of every step; fusilli also its AUROC, and draws a progress
bar. Either process trains before it is timed. Run with nothing else on the machine:

    python3.11 -m venv PEER && PEER/bin/pip install fusilli==2.0.0
    python benchmarks/peer.py --python PEER/bin/python
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from interleaved import Rounds, in_turn, ratio, spread
from torch import Tensor

from bench import zoo
from bench.cost.counts import count_parameters
from bench.evaluation.scoring import score_pairs
from bench.fusion import FUSIONS
from bench.model import build_model
from bench.spec import parse_spec
from bench.sweep.config import load_config
from bench.sweep.inputs import draw, inputs
from bench.sweep.plan import make_plan
from bench.sweep.prepare import ensure_warmup
from bench.training import warmup
from bench.training.loop import batches, fit
from bench.training.pairs import FrozenModel, PairLearner
from bench.training.recipe import Recipe

FUSION, BACKBONE, DOMAIN = "concat", "mobilenetv3_small_32", "color"
SIDE = Path(__file__).with_name("fusilli_side.py")


@dataclass(frozen=True)
class Encoded:
    """Pairs as embeddings u and v (N, D), the classes of their images and their labels (N,)."""

    u: Tensor
    v: Tensor
    class_a: Tensor
    class_b: Tensor
    label: Tensor


@dataclass(frozen=True)
class Trained:
    """Training pairs per second, accuracy on the test pairs, parameters and the version of torch of one training."""

    rate: float
    accuracy: float
    parameters: int
    torch: str


def encode(train_pairs: int, test_pairs: int) -> tuple[Encoded, Encoded]:
    """Training and test pairs, encoded by the warmed-up backbone."""
    settings = {"fusion": FUSION, "backbone": BACKBONE, "domain": DOMAIN, "seed": "0", "protocol": "frozen"}
    (planned,) = make_plan(load_config(settings), {}).cells
    start = ensure_warmup(planned.cell)
    assert start is not None
    model = build_model(parse_spec(FUSION), BACKBONE)
    for tower in model.towers:
        warmup.load_into(tower, start.path)

    def part(split: str, n: int) -> Encoded:
        pairs = draw(DOMAIN, split, 0, n)
        u, v = inputs(planned.cell, model, start, DOMAIN, split, 0, n)
        return Encoded(u, v, pairs.a.latents["class"], pairs.b.latents["class"], pairs.label)

    return part("train", train_pairs), part("test", test_pairs)


def ours(recipe: Recipe, train_set: Encoded, test_set: Encoded, seed: int) -> Trained:
    """One training in the loop of a sweep."""
    model = FrozenModel(build_model(parse_spec(FUSION), BACKBONE, seed=seed))
    learner = PairLearner(model, recipe, train_set.u, train_set.v, train_set.class_a, train_set.class_b)
    order = batches(recipe.train_pairs, recipe.batch_size, recipe.epochs, seed)
    started = time.perf_counter()
    examples = fit(learner, recipe, order, recipe.train_pairs // recipe.batch_size * recipe.epochs).examples
    seconds = time.perf_counter() - started
    same = torch.from_numpy(score_pairs(model, test_set.u, test_set.v)) > 0
    accuracy = float((same == test_set.label.bool()).float().mean())
    return Trained(examples / seconds, accuracy, count_parameters(model).total, torch.__version__)


def hand_over(folder: Path, recipe: Recipe, train_set: Encoded, test_set: Encoded) -> None:
    """Write what the other side needs: ``pairs.npz`` and ``settings.json``."""
    sizes = {"dim": train_set.u.shape[1], "hidden": FUSIONS.get(FUSION).head_width}
    settings = {"epochs": recipe.epochs, "batch": recipe.batch_size, "lr": recipe.lr, **sizes}
    (folder / "settings.json").write_text(json.dumps(settings))
    parts = {"train": train_set, "test": test_set}
    arrays = {f"{name}_{key}": getattr(part, key) for name, part in parts.items() for key in ("u", "v", "label")}
    np.savez(folder / "pairs.npz", **{name: array.numpy() for name, array in arrays.items()})


def fusilli(python: Path, folder: Path, seed: int) -> Trained:
    """One training in a process of the other environment."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    done = subprocess.run([python, SIDE, folder, str(seed)], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"the process of fusilli ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return Trained(**json.loads(done.stdout))


def check(python: Path) -> None:
    """End with what to do unless ``python`` can import fusilli."""
    if not python.exists() or subprocess.run([python, "-c", "import fusilli"], capture_output=True).returncode:
        make = "python3.11 -m venv PEER && PEER/bin/pip install fusilli==2.0.0"
        raise SystemExit(f"{python} has no fusilli; make an environment with: {make}; then --python PEER/bin/python")


def noted(way: Callable[[int], Trained], notes: list[Trained]) -> Callable[[int], float]:
    """The rate of ``way`` as a measure; all that it found is added to ``notes``."""

    def rate(seed: int) -> float:
        notes.append(way(seed))
        return notes[-1].rate

    return rate


def report(recipe: Recipe, trained: Mapping[str, Sequence[Trained]], values: Rounds) -> None:
    """Rates and accuracies of both, and the ratio of the rates."""
    (parameters,) = {one.parameters for notes in trained.values() for one in notes}
    print(
        f"{FUSION} of frozen embeddings, {recipe.train_pairs:,} pairs of {DOMAIN}, {recipe.epochs} epochs, batches of "
        f"{recipe.batch_size}, {parameters:,} parameters, one thread; median (range)"
    )
    for name, notes in trained.items():
        accuracies = spread([one.accuracy for one in notes], 3)
        print(f"{name:<8} {spread(values[name], 0):>28} pairs/s, accuracy {accuracies}, torch {notes[0].torch}")
    print(f"ours / fusilli {spread(ratio(values, 'ours', 'fusilli'), 1)} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, required=True, help="interpreter of the environment with fusilli")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--train-pairs", type=int, default=9_600)
    parser.add_argument("--test-pairs", type=int, default=2_000)
    options = parser.parse_args()
    check(options.python)
    torch.set_num_threads(1)
    zoo.load()
    recipe = Recipe(train_pairs=options.train_pairs, epochs=options.epochs, pairs_per_image=1)
    parts = encode(options.train_pairs, options.test_pairs)
    ours(recipe, *parts, seed=options.rounds)
    with tempfile.TemporaryDirectory() as temporary:
        hand_over(Path(temporary), recipe, *parts)
        ways = {"ours": partial(ours, recipe, *parts), "fusilli": partial(fusilli, options.python, Path(temporary))}
        trained: dict[str, list[Trained]] = {name: [] for name in ways}
        values = in_turn({name: noted(way, trained[name]) for name, way in ways.items()}, options.rounds)
    report(recipe, trained, values)


if __name__ == "__main__":
    main()
