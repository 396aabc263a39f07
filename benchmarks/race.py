"""How often a race loses the fusion that is truly best, and how soon it is rid of the others: the target is 5 %.

Races are simulated with the functions that ``bench choose`` decides by, many at a time: scores of a replicate share an
effect of it, the best leads by a gap in units of the noise of one fusion, the others lie below it. Looks are taken
after every replicate from the fourth to the last: ``python benchmarks/race.py``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.choose.race import FIRST_LOOK, surely_worse
from bench.stats.intervals import wilson

Array = NDArray[np.float64]
Generator = np.random.Generator
Noise = Callable[[Generator, tuple[int, ...]], Array]
PART = 250  # races at a time, for the cache
COUNTS = (4, 12, 30)


@dataclass(frozen=True)
class World:
    """What is true: ``levels`` of all fusions, the first one best, and how their noise is drawn."""

    name: str
    levels: Callable[[int], Array]
    noise: Noise


def normal(rng: Generator, shape: tuple[int, ...]) -> Array:
    return rng.standard_normal(shape)


def heavy(rng: Generator, shape: tuple[int, ...]) -> Array:
    return rng.standard_t(4, shape)


def skewed(rng: Generator, shape: tuple[int, ...]) -> Array:
    """Near a ceiling: seldom far below."""
    return 1 - rng.exponential(size=shape)


def unequal(rng: Generator, shape: tuple[int, ...]) -> Array:
    """The last fusion is ten times as noisy as the first."""
    return rng.standard_normal(shape) * np.geomspace(1, 10, shape[-1])


def rounded(rng: Generator, shape: tuple[int, ...]) -> Array:
    """In steps of half a standard deviation, as shares of few pairs are."""
    return np.round(2 * rng.standard_normal(shape)) / 2


def behind(gap: float, spread: float, count: int) -> Array:
    """The first at 0, the next ``gap`` below, the last ``gap + spread`` below."""
    return -np.concatenate([[0.0], gap + spread * np.linspace(0, 1, count - 1)])


WORLDS = (
    World("all alike", partial(behind, 0, 0), normal),
    World("all alike, heavy tails (t with 4 degrees)", partial(behind, 0, 0), heavy),
    World("all alike, skewed (exponential)", partial(behind, 0, 0), skewed),
    World("all alike, noise of 1 to 10", partial(behind, 0, 0), unequal),
    World("all alike, rounded to half a deviation", partial(behind, 0, 0), rounded),
    World("best by 0.5, others within 1", partial(behind, 0.5, 1), normal),
    World("best by 2, others within 4", partial(behind, 2, 4), normal),
    World("best by 5, others within 10", partial(behind, 5, 10), normal),
)


def race(rng: Generator, world: World, count: int, races: int, replicates: int) -> tuple[NDArray[np.bool_], Array]:
    """Whether each race lost the best one at any look, and the share of the others that was left after each look."""
    shared = 3 * rng.standard_normal((races, replicates, 1))
    values = world.levels(count) + shared + world.noise(rng, (races, replicates, count))
    left = []
    for n in range(FIRST_LOOK, replicates + 1):
        out = surely_worse(values[:, :n], count, 1)
        values[np.broadcast_to(out[:, None, :], values.shape)] = np.nan
        left.append(1 - np.isnan(values[:, -1, 1:]).mean())
    return np.isnan(values[:, -1, 0]), np.array(left)


def main() -> None:
    """Print a table: a line per world and number of fusions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=4_000)
    parser.add_argument("--replicates", type=int, default=20)
    options = parser.parse_args()
    rng = np.random.default_rng(18)
    print("| truth | fusions | best one lost | others left after 5, 10, 20 replicates |\n| --- | ---: | ---: | ---: |")
    for world in WORLDS:
        for count in COUNTS:
            parts = [race(rng, world, count, PART, options.replicates) for _ in range(max(1, options.races // PART))]
            lost = np.concatenate([own for own, _ in parts])
            left = np.mean([own for _, own in parts], axis=0)
            low, high = (100 * end for end in wilson(float(lost.sum()), len(lost)))
            shown = ", ".join(f"{100 * left[n - FIRST_LOOK]:.0f} %" for n in (5, 10, 20) if n <= options.replicates)
            print(
                f"| {world.name} | {count} | {100 * lost.mean():.2f} % ({low:.2f} to {high:.2f}) | {shown} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
