"""Training the seeds of a frozen fusion in one pass against one after the other, in turn, for each fusion.

Both train the same cells on the same cached encodings, with one thread. Of a sweep this is the training alone: it also
encodes, evaluates, and with several workers each of them encodes every seed that it trains.

Run with nothing else on the machine: ``python benchmarks/seeds_together.py``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from interleaved import Rounds, in_turn, ratio, spread

from bench import zoo
from bench.fusion import FUSIONS
from bench.spec import parse_spec
from bench.sweep.bundle import GAINS
from bench.sweep.cell import Cell
from bench.sweep.config import load_config
from bench.sweep.execution import Execution
from bench.sweep.plan import make_plan
from bench.sweep.prepare import prepare
from bench.sweep.run_cell import order_of, steps_of
from bench.training.loop import fit
from bench.training.pairs import PairLearner
from bench.training.stacked import CannotTrainTogetherError, fit_together

ALONE, TOGETHER = "one by one", "together"


def cells_of(fusion: str, seeds: int, train_pairs: int, warmup: dict[str, int]) -> list[Cell]:
    """The frozen cells of a fusion; none where the protocol does not allow it."""
    settings = {
        "fusion": fusion,
        "seed": f"0..{seeds - 1}",
        "protocol": "frozen",
        "recipe": {"train_pairs": train_pairs},
        "warmup_recipe": warmup,
    }
    return [planned.cell for planned in make_plan(load_config(settings), {}).having("to run")]


def measure(cells: list[Cell], rounds: int, device: str) -> Rounds:
    """Steps per second and seed; raises ``CannotTrainTogetherError``."""

    def learners() -> list[PairLearner]:
        made = [prepare(cell, Execution(device)).learner for cell in cells]
        return [learner for learner in made if learner is not None]

    def rate(train: Callable[[list[PairLearner]], object]) -> Callable[[int], float]:
        def measured(number: int) -> float:
            ready = learners()
            started = time.perf_counter()
            train(ready)
            return len(cells) * steps / (time.perf_counter() - started)

        return measured

    steps, recipe = steps_of(cells[0]), cells[0].recipe

    def one_by_one(ready: list[PairLearner]) -> None:
        for cell, learner in zip(cells, ready, strict=True):
            fit(learner, recipe, order_of(cell), steps)

    def in_one_pass(ready: list[PairLearner]) -> None:
        fit_together(ready, recipe, [order_of(cell) for cell in cells], steps)

    return in_turn({ALONE: rate(one_by_one), TOGETHER: rate(in_one_pass)}, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fusion", default="", help="names, or all; by default those that gain on the device")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--train-pairs", type=int, default=1_920)
    parser.add_argument("--warmup-images", type=int, help="those that the encoder was taught with; fewer are faster")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    warmup = {"images": options.warmup_images} if options.warmup_images else {}
    torch.set_num_threads(1)
    zoo.load()
    every = FUSIONS.match("*")
    gaining = [name for name in every if FUSIONS.get(name).needs in GAINS[options.device]]
    for name in {"": gaining, "all": every}.get(options.fusion) or options.fusion.split(","):
        fusion = FUSIONS.get(parse_spec(name).name)
        cells = cells_of(name, options.seeds, options.train_pairs, warmup)
        if not cells or fusion.role != "fusion":
            continue
        try:
            rates = measure(cells, options.rounds, options.device)
        except CannotTrainTogetherError as reason:
            print(f"{name:28} {fusion.needs:10} one by one: {reason}", flush=True)
            continue
        ratios = spread(ratio(rates, TOGETHER, ALONE), 2)
        print(f"{name:28} {fusion.needs:10} {ratios} x, {spread(rates[TOGETHER], 0)} steps/s", flush=True)


if __name__ == "__main__":
    main()
