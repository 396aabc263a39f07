"""Main effects: how much of the spread of scores is due to the fusion, the backbone, and their interaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.records.blocks import are_alike, scores
from bench.records.entries import Entry

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Effects:
    """Scores by fusion and backbone over the seeds that all of these cells finished.

    Attributes:
        fusions, backbones: those with a cell in every column and row.
        means: (fusions, backbones). seeds: how many.
        shares: of the spread, by ``fusion``, ``backbone``, ``fusion x backbone`` and ``seeds``; they add up to 1. The
            last is what is left: the spread between seeds of one cell.
    """

    fusions: tuple[str, ...]
    backbones: tuple[str, ...]
    means: Array
    seeds: int
    shares: dict[str, float]


def effects_of(entries: Iterable[Entry], domain: str, metric: str) -> Effects | None:
    """Two-way analysis of the balanced part of a table; None where it has no two fusions, backbones and seeds.

    Args:
        entries: of one table; only fusions count.
    """
    known = [entry for entry in entries if entry.role == "fusion" and domain in entry.quality]
    found = {(entry.group.fusion, entry.group.backbone): scores(entry, domain, metric) for entry in known}
    runs = {(entry.group.fusion, entry.group.backbone): {cell.seed: cell for cell in entry.finished} for entry in known}
    backbones = sorted({backbone for _, backbone in found})
    fusions = sorted({fusion for fusion, _ in found})
    fusions = [fusion for fusion in fusions if all((fusion, backbone) in found for backbone in backbones)]
    if min(len(fusions), len(backbones)) < 2:
        return None
    cells = [[found[fusion, backbone] for backbone in backbones] for fusion in fusions]
    shared = sorted(set.intersection(*(set(cell) for row in cells for cell in row)))
    blocks = [
        (trained_on, seed)
        for trained_on, seed in shared
        if all(are_alike([runs[fusion, backbone][seed] for fusion in fusions], domain) for backbone in backbones)
    ]
    if len(blocks) < 2:
        return None
    values = np.array([[[cell[block] for block in blocks] for cell in row] for row in cells])
    return Effects(tuple(fusions), tuple(backbones), values.mean(axis=2), len(blocks), variance_shares(values))


def variance_shares(values: Array) -> dict[str, float]:
    """Shares of the spread of ``values`` (fusions, backbones, seeds) by source; nan where nothing varies.

    Omega squared (Hays, 1963, Statistics for psychologists): what chance alone adds to the sum of squares of a source
    is taken off, which for many fusions and few seeds is much. None is below 0; the seeds have the rest.
    """
    a, b, n = values.shape
    total = ((values - values.mean()) ** 2).sum()
    means = values.mean(axis=2) - values.mean()
    fusion, backbone = means.mean(axis=1, keepdims=True), means.mean(axis=0, keepdims=True)
    sources = {
        "fusion": ((fusion**2).sum() * b * n, a - 1),
        "backbone": ((backbone**2).sum() * a * n, b - 1),
        "fusion x backbone": (((means - fusion - backbone) ** 2).sum() * n, (a - 1) * (b - 1)),
    }
    noise = ((values - values.mean(axis=2, keepdims=True)) ** 2).sum() / (a * b * (n - 1))
    if not total:
        return dict.fromkeys((*sources, "seeds"), float("nan"))
    shares = {
        name: max(0.0, float((squares - degrees * noise) / (total + noise)))
        for name, (squares, degrees) in sources.items()
    }
    return shares | {"seeds": 1 - sum(shares.values())}
