"""Where a fusion looks, as it says itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.fusion import maps_of
from bench.look.contract import Picture, View, register_view
from bench.look.panels import Heat, draw_heat
from bench.look.subject import Subject
from bench.plots.contract import NothingToDrawError

Weights = NDArray[np.float64]


@register_view
class Attention(View):
    """Gates, attention and matches of a fusion that says where it looks (``Fusion.maps``)."""

    name = "attention"

    def pictures(self, subject: Subject) -> Iterable[Picture]:
        model, rows = subject.stored.model, subject.examples
        with torch.inference_mode(), model.casting():
            maps = maps_of(model.fusion, *model.streams(model.together(*subject.images(rows))))
        if not maps:
            raise NothingToDrawError(f"{model.fusion.name} does not say where it looks")
        for name, weights in maps.items():
            yield from self._of(subject, name, as_weights(name, weights))

    def _of(self, subject: Subject, name: str, weights: Weights) -> Iterator[Picture]:
        rows, grid = subject.examples, grid_of(weights.shape[-1], subject)
        title = name.capitalize()
        if weights.ndim == 3:
            low, high = weights.min(), weights.max()
            text = f"Weight of each place, from {low:.2f} to {high:.2f} over these pairs; dark is the least of a pair."
            yield Picture(title, text, draw_heat(subject, title, rows, _on(weights, grid), is_signed=False))
            return
        text = "How much each place is looked at from the other image, on average over the places there."
        yield Picture(title, text, draw_heat(subject, title, rows, _on(seen(weights), grid), is_signed=False))
        if weights.shape[1] == 2:
            marks, found = from_sharpest(weights)
            title = f"{title} from one place"
            text = "What the framed place sees in the other image: of each image the place that is most certain."
            yield Picture(title, text, draw_heat(subject, title, rows, _on(found, grid), False, marks))


def as_weights(name: str, weights: Tensor) -> Weights:
    """Weights that a fusion gave, as numbers of the shape that :meth:`bench.fusion.Fusion.maps` states.

    Raises:
        NothingToDrawError: they have another one.
    """
    is_gate = weights.ndim == 3 and weights.shape[1] == 2
    is_attention = weights.ndim == 4 and weights.shape[1] in (1, 2) and weights.shape[2] == weights.shape[3]
    if not (is_gate or is_attention):
        raise NothingToDrawError(f"{name} is {tuple(weights.shape)}; expected (B, 2, L) or (B, 2, L, L)")
    found: Weights = weights.double().cpu().numpy()
    return found


def seen(weights: Weights) -> Weights:
    """How much places are looked at: (B, 1 or 2, L, L) to (B, 2, L), those of A, then those of B."""
    mean = weights.mean(2)
    of_a = mean[:, 1] if weights.shape[1] == 2 else np.zeros_like(mean[:, 0])
    return np.stack([of_a, mean[:, 0]], axis=1)


def from_sharpest(weights: Weights) -> tuple[list[tuple[int, int]], Weights]:
    """Of each pair the place of A and that of B with the largest single weight, and what these see, (B, 2, L): in A
    from that of B, in B from that of A."""
    places = weights.max(3).argmax(2)
    rows = np.arange(len(weights))
    found = np.stack([weights[rows, 1, places[:, 1]], weights[rows, 0, places[:, 0]]], axis=1)
    return [(int(a), int(b)) for a, b in places], found


def grid_of(places: int, subject: Subject) -> tuple[int, int]:
    """Height and width of a grid of so many places, in the proportions of the image.

    Raises:
        NothingToDrawError: there is none.
    """
    shape = subject.stored.card.shape
    height = round((places * shape.height / shape.width) ** 0.5)
    if not height or places % height:
        raise NothingToDrawError(f"{places} places make no grid of a {shape.height}x{shape.width} image")
    return height, places // height


def _on(weights: Weights, grid: tuple[int, int]) -> Heat:
    return weights.reshape(*weights.shape[:2], *grid)
