"""How fast pairs are drawn: ours against one image at a time with PIL in a DataLoader of two workers.

Both draw the same kind of pairs (antialiased circle or square at a random place, size and angle, in contrasting colours
or textures) in two worker processes of one thread each: ours as a sweep draws them, in the process that trains on them,
PIL's with the batches handed to the main process. One process with two threads is shown beside it. Run with nothing
else on the machine: ``python benchmarks/rendering.py``. Rounds alternate, so that what slows the machine down slows
all.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch
from interleaved import in_turn, ratio, spread
from PIL import Image, ImageDraw
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from bench import zoo
from bench.domain import build_domain

SIZE, SUPERSAMPLING, MIN_RADIUS, MAX_RADIUS = 32, 4, 4.0, 8.8
WORKERS, BATCH = 2, 64
DOMAINS = ("color", "texture")


class PilPairs(Dataset[tuple[Tensor, Tensor, int]]):
    """The usual way: draw each image with PIL at four times the size, then scale it down."""

    def __init__(self, pairs: int, tiles: np.ndarray | None) -> None:
        self.pairs, self.tiles = pairs, tiles

    def __len__(self) -> int:
        return self.pairs

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, int]:
        rng = np.random.default_rng(index)
        first, second = rng.integers(2, size=2)
        return self._image(first, rng), self._image(second, rng), int(first == second)

    def _image(self, shape: int, rng: np.random.Generator) -> Tensor:
        radius = rng.uniform(MIN_RADIUS, MAX_RADIUS)
        reach = radius * (math.sqrt(math.pi / 2) if shape else 1)
        x, y = rng.uniform(reach, SIZE - reach, size=2)
        mask = Image.new("L", (SIZE * SUPERSAMPLING, SIZE * SUPERSAMPLING))
        draw = ImageDraw.Draw(mask)
        if shape:
            turn = rng.uniform(0, math.pi / 2) + np.arange(4) * math.pi / 2
            corners = SUPERSAMPLING * np.stack([x + reach * np.cos(turn), y + reach * np.sin(turn)], axis=1)
            draw.polygon([tuple(corner) for corner in corners], fill=255)
        else:
            box = (x - radius, y - radius, x + radius, y + radius)
            draw.ellipse([SUPERSAMPLING * value for value in box], fill=255)
        mask = mask.resize((SIZE, SIZE), Image.Resampling.BOX)
        picture = Image.composite(self._surface(rng), self._surface(rng), mask)
        return torch.from_numpy(np.array(picture)).permute(2, 0, 1)

    def _surface(self, rng: np.random.Generator) -> Image.Image:
        if self.tiles is None:
            return Image.new("RGB", (SIZE, SIZE), tuple(rng.integers(256, size=3).tolist()))
        tile = self.tiles[rng.integers(len(self.tiles))]
        top, left = rng.integers(tile.shape[0] - SIZE + 1, size=2)
        return Image.fromarray(tile[top : top + SIZE, left : left + SIZE])


def start_worker() -> None:
    """What a worker of a sweep has done before its first cell: plug-ins loaded, tables and banks made."""
    zoo.load()
    torch.set_num_threads(1)
    for name in DOMAINS:
        build_domain(name).draw("train", 0, 1024)


def draw(name: str, seed: int, pairs: int) -> None:
    """One draw, kept in this process."""
    build_domain(name).draw("train", seed, pairs)


def in_workers(pool: Executor, name: str, pairs: int, seed: int) -> float:
    """Pairs per second of two workers that draw half of the pairs each."""
    started = time.perf_counter()
    halves = [pool.submit(draw, name, WORKERS * seed + half, pairs // WORKERS) for half in range(WORKERS)]
    for half in halves:
        half.result()
    return pairs / (time.perf_counter() - started)


def in_threads(name: str, pairs: int, seed: int) -> float:
    """Pairs per second of one process with two threads."""
    started = time.perf_counter()
    draw(name, seed, pairs)
    return pairs / (time.perf_counter() - started)


def theirs(dataset: PilPairs) -> float:
    """Pairs per second of a DataLoader whose workers are already running."""
    loader = DataLoader(dataset, batch_size=BATCH, num_workers=WORKERS)
    batches = iter(loader)
    seen, started = -len(next(batches)[2]), 0.0
    for number, (_, _, label) in enumerate(batches):
        if number == WORKERS:
            started, seen = time.perf_counter(), 0
        elif number > WORKERS:
            seen += len(label)
    return seen / (time.perf_counter() - started)


def compare(name: str, ways: dict[str, Callable[[int], float]], rounds: int) -> None:
    """Print the median rate of each way over alternating rounds, and the median ratio to the last."""
    values = in_turn(ways, rounds)
    last = list(ways)[-1]
    for way, rates in values.items():
        print(f"{name:<8} {way:<24} {spread(rates, 0):>28} pairs/s {spread(ratio(values, way, last), 1):>24} x")


def main() -> None:
    """Compare on both domains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=40_000)
    parser.add_argument("--pil-pairs", type=int, default=8_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    start_worker()
    torch.set_num_threads(WORKERS)
    tiles = np.random.default_rng(0).integers(256, size=(200, 64, 64, 3), dtype=np.uint8)
    with ProcessPoolExecutor(WORKERS, get_context("spawn"), initializer=start_worker) as pool:
        for name in DOMAINS:
            in_workers(pool, name, 2_048, 0)
            dataset = PilPairs(options.pil_pairs, tiles if name == "texture" else None)
            ways: dict[str, Callable[[int], float]] = {
                "two workers": partial(in_workers, pool, name, options.pairs),
                "one process, two threads": partial(in_threads, name, options.pairs),
                "PIL, two workers": lambda round_, d=dataset: theirs(d),
            }
            compare(name, ways, options.rounds)


if __name__ == "__main__":
    main()
