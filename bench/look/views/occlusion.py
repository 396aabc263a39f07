"""What of one image the score depends on, given the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from bench.look.contract import Picture, View, register_view, within
from bench.look.panels import Heat, draw_heat
from bench.look.subject import Scored, Subject

Score = Callable[[Tensor, Tensor], Scored]


@register_view
class Occlusion(View):
    """Occlusion maps: how the score changes where a place of A is hidden and B stays, and the other way round.

    Args:
        parts: an image is cut into so many places along each side; the square that hides some is twice as wide.
    """

    name = "occlusion"

    def __init__(self, parts: int = 8) -> None:
        self._parts = within(type(self), "parts", parts, 2, 64)

    def pictures(self, subject: Subject) -> Iterable[Picture]:
        rows = subject.examples
        pairs = zip(*subject.images(rows), strict=True)
        heat = np.stack([occlusion(subject.stored.scores, a, b, self._parts) for a, b in pairs])
        text = (
            "How much the score falls where a square in the mean colour hides a place and the other image stays: blue "
            "places speak for same, red ones for different. Colours are scaled pair by pair."
        )
        yield Picture("Occlusion", text, draw_heat(subject, "Occlusion", rows, heat, is_signed=True))


def occlusion(score: Score, a: Tensor, b: Tensor, parts: int) -> Heat:
    """Score of a pair minus its score without a place, (2, parts, parts): mean over the squares that hide the place, in
    A while B stays, then in B while A stays.

    Args:
        score: of images (N, C, H, W) uint8, twice.
        a, b: (C, H, W).
    """
    hidden_a, hidden_b = hidden(a, parts), hidden(b, parts)
    count = len(hidden_a)
    first = torch.cat([a[None], hidden_a, a.expand(count, -1, -1, -1)])
    second = torch.cat([b[None], b.expand(count, -1, -1, -1), hidden_b])
    found = score(first, second).astype(np.float64)
    squares = (found[0] - found[1:]).reshape(2, parts + 1, parts + 1)
    # A place lies in four squares: those that begin one place before it, and at it.
    return sum(squares[:, y : y + parts, x : x + parts] for y in (0, 1) for x in (0, 1)) / 4


def hidden(image: Tensor, parts: int) -> Tensor:
    """An image (C, H, W) uint8 with each square of 2 x 2 places, also those that stick out, in its mean colour:
    ((parts + 1)^2, C, H, W)."""
    height, width = image.shape[1:]
    colour = image.float().mean((1, 2)).round().to(image.dtype)[:, None, None]
    rows, columns = (torch.stack([_within(size, parts, at) for at in range(parts + 1)]) for size in (height, width))
    covered = rows[:, None, :, None] & columns[None, :, None, :]
    return torch.where(covered.flatten(0, 1)[:, None], colour, image)


def _within(size: int, parts: int, at: int) -> Tensor:
    """Which of ``size`` pixels lie in the two places before and at boundary ``at``."""
    pixels = torch.arange(size)
    return (pixels >= (at - 1) * size // parts) & (pixels < (at + 1) * size // parts)
