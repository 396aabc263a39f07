"""Ways to do the same thing, measured in turn: what slows the machine down for a while slows all of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

Measure = Callable[[int], float]
Rounds = Mapping[str, Sequence[float]]


def in_turn(ways: Mapping[str, Measure], rounds: int) -> Rounds:
    """One value per way and round, such as a rate; every round asks each way once, with its number."""
    values: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds):
        for way, measure in ways.items():
            values[way].append(measure(number))
    return values


def spread(values: Sequence[float], digits: int) -> str:
    """Median with the least and the most."""
    median, low, high = statistics.median(values), min(values), max(values)
    return f"{median:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def ratio(values: Rounds, over: str, under: str) -> list[float]:
    """The ratio of two ways, round by round."""
    return [one / other for one, other in zip(values[over], values[under], strict=True)]


def verdict(ratios: Sequence[float], least: float) -> str:
    """A ratio with its spread, and whether its median is at least what it should be."""
    reached = "reached" if statistics.median(ratios) >= least else "NOT reached"
    return f"{spread(ratios, 2)} x, at least {least:g}: {reached}"
