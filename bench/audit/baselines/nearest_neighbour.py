"""The nearest training pair."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws
from bench.audit.rows import Row, informative, judged
from bench.domain import Pairs

TRAIN_PAIRS = 4_096
CHUNK = 2_048


@register_audit_baseline
class NearestNeighbour(AuditBaseline):
    """The label of the training pair whose pixels are nearest. Above chance, splits share images.

    Both images side by side, averaged over 2x2 pixels, by Euclidean distance.
    """

    name = "nearest_neighbour"

    def rows(self, draws: Draws) -> Iterator[Row]:
        train, test = draws.train, draws.test
        known = _vectors(train, slice(TRAIN_PAIRS))
        label = train.label[:TRAIN_PAIRS]
        half_norm = known.square().sum(1) / 2
        hits = []
        for start in range(0, len(test), CHUNK):
            rows = slice(start, start + CHUNK)
            nearest = (half_norm - _vectors(test, rows) @ known.T).argmin(1)
            hits.append(label[nearest] == test.label[rows])
        right = torch.cat(hits).numpy()
        what = "pixels → label of the nearest training pair"
        if draws.equal_area:
            yield judged(what, "pair", right)
        else:
            yield informative(what, "pair", right, "images of one class are alike by nature")


def _vectors(pairs: Pairs, rows: slice) -> Tensor:
    sides = (F.avg_pool2d(images.pixels[rows].float() / 255, 2).flatten(1) for images in (pairs.a, pairs.b))
    return torch.cat(list(sides), dim=1)
