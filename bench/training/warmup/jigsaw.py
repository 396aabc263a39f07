"""The warm-up ``jigsaw``."""

from __future__ import annotations

import math
from functools import cache
from itertools import permutations as all_orders

import torch
from torch import Tensor, nn

from bench.backbones import Backbone
from bench.domain import Domain, Images
from bench.errors import UsageError
from bench.training.warmup.classification import Classification
from bench.training.warmup.contract import register_warmup

GRIDS = (2, 3)
MOST_ORDERS = 1000


@cache
def distant_orders(pieces: int, count: int) -> Tensor:
    """``count`` orders of the pieces, (count, pieces) int64, beginning with the unchanged one.

    Each next one differs in as many places as possible from the nearest of those before it: orders that share most of
    their pieces are hard to tell apart.
    """
    orders = torch.tensor(list(all_orders(range(pieces))), dtype=torch.int8)
    chosen, nearest = [0], torch.full((len(orders),), pieces + 1)
    while len(chosen) < count:
        nearest = torch.minimum(nearest, (orders != orders[chosen[-1]]).sum(1))
        chosen.append(int(nearest.argmax()))
    return orders[chosen].long()


def shuffled(images: Tensor, grid: int, orders: Tensor) -> Tensor:
    """Images (B, C, H, W) cut into ``grid`` x ``grid`` pieces of equal size, of which place p shows piece
    ``orders[:, p]``, counted row by row. Pixels that are left at the right and at the bottom stay where they are."""
    height, width = images.shape[2] // grid, images.shape[3] // grid
    inner = images[..., : grid * height, : grid * width]
    pieces = inner.unflatten(3, (grid, width)).unflatten(2, (grid, height)).permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    pieces = pieces[torch.arange(len(images))[:, None], orders].unflatten(1, (grid, grid))
    result = images.clone()
    result[..., : grid * height, : grid * width] = pieces.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)
    return result


@register_warmup
class Jigsaw(Classification):
    """Tell in which of a list of orders the pieces of an image were put together.

    The image is cut into 2x2 or 3x3 pieces. ``logits = W e(shuffled x) + b``, (B, 128) -> (B, orders); cross-entropy.
    Plain pieces look alike, so that no network gets all orders right. Noroozi & Favaro, 2016, Unsupervised learning of
    visual representations by solving jigsaw puzzles.
    """

    name = "jigsaw"
    columns = 1

    def __init__(self, backbone: Backbone, domain: Domain, grid: int = 2, orders: int = 24) -> None:
        super().__init__(backbone, domain)
        if grid not in GRIDS:
            raise UsageError(f"warm-up jigsaw: grid={grid}; expected {' or '.join(map(str, GRIDS))}")
        most = min(math.factorial(grid * grid), MOST_ORDERS)
        if not 2 <= orders <= most:
            raise UsageError(f"warm-up jigsaw: orders={orders}; expected 2 to {most} with grid={grid}")
        self.grid, self.orders = grid, distant_orders(grid * grid, orders)
        self.head = nn.Linear(backbone.spec.dim, orders)

    def examples(self, images: Images, u: Tensor) -> tuple[Tensor, Tensor]:
        order = (u[:, 0] * len(self.orders)).long()
        return shuffled(images.pixels, self.grid, self.orders[order]), order
