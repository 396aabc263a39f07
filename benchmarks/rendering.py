"""How fast pairs are drawn: ours against one image at a time with PIL in a DataLoader of two workers.

Both draw the same kind of pairs (antialiased circle or square at a random place, size and angle, in contrasting colours
or textures). Run with nothing else on the machine: ``python benchmarks/rendering.py``. Rounds alternate, so that what
slows the machine down slows both.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from bench import zoo
from bench.domain import Domain
from bench.sweep.cell import build_domain

SIZE, SUPERSAMPLING, MIN_RADIUS, MAX_RADIUS = 32, 4, 4.0, 8.8
WORKERS, BATCH = 2, 64


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


def ours(domain: Domain, pairs: int, seed: int) -> float:
    """Pairs per second of one draw."""
    started = time.perf_counter()
    domain.draw("train", seed, pairs)
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


def compare(name: str, mine: Callable[[int], float], other: Callable[[], float], rounds: int) -> None:
    """Print the median rates and the median ratio of alternating rounds."""
    results = [(mine(round_), other()) for round_ in range(rounds)]
    ratios = [first / second for first, second in results]
    print(
        f"{name:<8} ours {statistics.median(r[0] for r in results):>8,.0f} pairs/s   "
        f"PIL {statistics.median(r[1] for r in results):>7,.0f} pairs/s   "
        f"ratio {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f}, {rounds} rounds)"
    )


def main() -> None:
    """Compare on both domains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=40_000)
    parser.add_argument("--pil-pairs", type=int, default=8_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    zoo.load()
    torch.set_num_threads(WORKERS)
    tiles = np.random.default_rng(0).integers(256, size=(200, 64, 64, 3), dtype=np.uint8)
    for name, surfaces in (("color", None), ("texture", tiles)):
        domain = build_domain(name)
        domain.draw("train", 0, 1024)  # tables and banks are made once
        dataset = PilPairs(options.pil_pairs, surfaces)
        compare(name, lambda seed, d=domain: ours(d, options.pairs, seed), lambda d=dataset: theirs(d), options.rounds)


if __name__ == "__main__":
    main()
