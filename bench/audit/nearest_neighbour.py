"""Baseline g: the label of the training pair whose pixels are nearest. Above chance, splits share images."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.audit.draws import Material
from bench.audit.rows import Row, informative, judged
from bench.domain import Pairs

NAME = "g nearest neighbour"
TRAIN_PAIRS = 4_096
CHUNK = 2_048


def nearest_neighbour(material: Material) -> Iterator[Row]:
    """Both images side by side, averaged over 2x2 pixels, by Euclidean distance."""
    train, test = material.train, material.test
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
    if material.equal_area:
        yield judged(NAME, what, "pair", right)
    else:
        yield informative(NAME, what, "pair", right, "images of one class are alike by nature")


def _vectors(pairs: Pairs, rows: slice) -> Tensor:
    sides = (F.avg_pool2d(images.pixels[rows].float() / 255, 2).flatten(1) for images in (pairs.a, pairs.b))
    return torch.cat(list(sides), dim=1)
