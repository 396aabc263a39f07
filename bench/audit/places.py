"""Places of both images that say whether a pair is same: what the most telling ones say, and one beyond its
neighbours."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import Tensor
from torch.nn import functional as F

from bench.audit.draws import Draws, part_of
from bench.audit.probes import Question, boosting
from bench.domain import Pairs

Hits = NDArray[np.bool_]
# Channel, row and column.
Place = tuple[int, int, int]

PLACES, TRIED = 16, 8
# From a place to those around it: a mark of three pixels does not reach them from its middle.
RING = 2
AROUND = [(down, right) for down in (-RING, 0, RING) for right in (-RING, 0, RING) if down or right]
CHUNK = 2_048


def pixel_hits(draws: Draws) -> Hits:
    """Hits (N,) of gradient boosting on what the places of training that say most show in both images."""
    train, test, places = draws.train, draws.test, _telling(strengths(draws.train))
    return boosting(Question(_at(train, places), train.label.numpy(), _at(test, places), test.label.numpy()))


def hits_beside_neighbours(draws: Draws) -> tuple[Hits, Hits]:
    """Hits (N,) of gradient boosting on one place in both images and those around it, and on those around it alone.

    Of ``TRIED`` places that are correlated with the label more than their neighbours are, the one that gains most when
    one half of the training pairs is asked what it learned from the other.
    """
    train = draws.train
    height, width = train.a.pixels.shape[2:]
    # A pair of a list that comes again stays in its half. By lot, as labels may alternate in any way.
    number = train.a.latents.get("pair", torch.arange(len(train)))
    half = torch.randint(2, (int(number.max()) + 1,), generator=torch.Generator().manual_seed(draws.seed))[number]
    halves = [part_of(train, (half == one).nonzero()[:, 0]) for one in (0, 1)]
    around = {place: _around(place, height, width) for place in _standing_out(strengths(train))}

    def gain(place: Place) -> float:
        beside = around[place]
        folds = [(halves[0], halves[1]), (halves[1], halves[0])]
        return float(sum(_hits(*fold, [place, *beside]).mean() - _hits(*fold, beside).mean() for fold in folds))

    best = max(around, key=gain)
    return _hits(train, draws.test, [best, *around[best]]), _hits(train, draws.test, around[best])


def strengths(pairs: Pairs) -> Tensor:
    """How far the difference of the two images, and whether their last bits differ, are correlated with the label at
    each place: (2, C, H, W) float64, from 0 to 1."""
    label = pairs.label.double() - pairs.label.double().mean()
    shape = pairs.a.pixels.shape[1:]
    by_label, total, squares = (torch.zeros(2, shape.numel(), dtype=torch.float64) for _ in range(3))
    for start in range(0, len(pairs), CHUNK):
        rows = slice(start, start + CHUNK)
        a, b = (side.pixels[rows].flatten(1) for side in (pairs.a, pairs.b))
        related = torch.stack([(a.short() - b.short()).abs().double(), ((a ^ b) & 1).double()])
        by_label += torch.einsum("kns,n->ks", related, label[rows])
        total += related.sum(1)
        squares += related.square().sum(1)
    n = len(pairs)
    spread = (squares / n - (total / n).square()).clamp_min(1e-12).sqrt()
    return (by_label / n / spread / label.square().mean().sqrt()).abs().reshape(2, *shape)


def _telling(strength: Tensor) -> list[Place]:
    """The ``PLACES`` where either correlation is highest."""
    flat = strength.flatten(1)
    numbers = torch.cat([one.topk(PLACES // 2).indices for one in flat]).unique()
    return [_place(number, strength) for number in numbers.tolist()]


def _standing_out(strength: Tensor) -> list[Place]:
    """``TRIED`` places where a correlation lies farthest above that of all places around, no two of them touching."""
    height, width = strength.shape[-2:]
    padded = F.pad(strength, (RING,) * 4)
    rows = [padded[..., RING + down :, RING + right :][..., :height, :width] for down, right in AROUND]
    excess = (strength - torch.stack(rows).amax(0)).amax(0)
    found = []
    for _ in range(TRIED):
        _, row, column = place = _place(int(excess.argmax()), excess)
        found.append(place)
        excess[:, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = -torch.inf
    return found


def _place(number: int, of: Tensor) -> Place:
    height, width = of.shape[-2:]
    return number // (height * width), number // width % height, number % width


def _around(place: Place, height: int, width: int) -> list[Place]:
    channel, row, column = place
    near = [(channel, row + down, column + right) for down, right in AROUND]
    return [one for one in near if 0 <= one[1] < height and 0 <= one[2] < width]


def _hits(train: Pairs, test: Pairs, places: list[Place]) -> Hits:
    # Trees so small that what the places around say by chance does not hide what the one adds.
    model = HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=8, min_samples_leaf=40, early_stopping=False, random_state=0
    )
    with threadpool_limits(torch.get_num_threads()):
        model.fit(_at(train, places), train.label.numpy())
        return np.asarray(model.predict(_at(test, places)) == test.label.numpy())


def _at(pairs: Pairs, places: list[Place]) -> NDArray[np.float64]:
    """Both images at some places, how far apart they are there, and whether their last bits differ, (N, 4 P)."""
    channel, row, column = torch.tensor(places).T
    a, b = (side.pixels[:, channel, row, column].short() for side in (pairs.a, pairs.b))
    return torch.cat([a, b, (a - b).abs(), (a ^ b) & 1], dim=1).double().numpy()
