"""Statistics of the pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws
from bench.audit.probes import (
    Extract,
    Features,
    Question,
    beside,
    boosting,
    both_probes,
    class_question,
    label_question,
    likeness,
)
from bench.audit.rows import Level, Row, informative, judged
from bench.domain import Images

CHUNK = 4_096
BY_NATURE = "by nature"


def brightness(pixels: Tensor) -> Tensor:
    """Mean and deviation of each channel: (N, 3, H, W) -> (N, 6)."""
    x = pixels.float()
    return torch.cat([x.mean((2, 3)), x.std((2, 3))], dim=1)


def area(pixels: Tensor) -> Tensor:
    """Shares of the image that are light and that the figure covers: (N, 3, H, W) -> (N, 2)."""
    light = _lightness(pixels).mean((1, 2))
    return torch.stack([light, torch.minimum(light, 1 - light)], dim=1)


def pixel_count(pixels: Tensor) -> Tensor:
    """Pixels above the threshold or below it, whichever are fewer: (N, 3, H, W) -> (N, 1)."""
    return _figure(pixels).sum((1, 2))[:, None]


def bounding_box(pixels: Tensor) -> Tensor:
    """Height and width of the figure in pixels, the longer one last: (N, 3, H, W) -> (N, 2)."""
    figure = _figure(pixels)
    sides = [_extent(figure.any(2)), _extent(figure.any(1))]
    return torch.stack(sides, dim=1).sort(dim=1).values


def edge_count(pixels: Tensor) -> Tensor:
    """Neighbouring pixels on two sides of the threshold: (N, 3, H, W) -> (N, 1)."""
    above = _above_threshold(pixels)
    across = (above[:, :, 1:] != above[:, :, :-1]).sum((1, 2))
    down = (above[:, 1:] != above[:, :-1]).sum((1, 2))
    return (across + down)[:, None]


def _lightness(pixels: Tensor) -> Tensor:
    """The most varied channel of each image, from its darkest pixel at 0 to its lightest at 1: -> (N, H, W)."""
    x = pixels.float()
    low, high = x.amin((2, 3)), x.amax((2, 3))
    rows, channel = torch.arange(len(x)), (high - low).argmax(1)
    low, high = low[rows, channel, None, None], high[rows, channel, None, None]
    return (x[rows, channel] - low) / (high - low).clamp_min(1)


def _above_threshold(pixels: Tensor) -> Tensor:
    """Pixels on the light side of the middle, (N, H, W) bool."""
    return _lightness(pixels) > 0.5


def _figure(pixels: Tensor) -> Tensor:
    """The smaller of the two parts that the threshold makes, (N, H, W) bool."""
    above = _above_threshold(pixels)
    return above ^ (above.float().mean((1, 2)) > 0.5)[:, None, None]


def _extent(occupied: Tensor) -> Tensor:
    """Length from the first to the last true entry of each row, (N, L) bool -> (N,)."""
    position = torch.arange(1, occupied.shape[1] + 1)
    first = torch.where(occupied, position, occupied.shape[1] + 1).amin(1)
    return (torch.where(occupied, position, 0).amax(1) - first + 1).clamp_min(0)


JUDGED = {"mean, deviation": brightness, "area": area}
REPORTED = {"pixels above threshold": pixel_count, "bounding box": bounding_box, "edge count": edge_count}


def all_statistics(images: Images) -> Features:
    """Every statistic of each image side by side, (N, F)."""
    return np.concatenate([_of_images(one)(images) for one in (JUDGED | REPORTED).values()], axis=1)


def content_question(draws: Draws) -> Question:
    """Is a pair same? Asked of all statistics of both images, how they relate, and how alike all pixels are."""
    train, test = draws.train, draws.test
    alike = Question(likeness(train), train.label.numpy(), likeness(test), test.label.numpy())
    return beside(label_question(draws, all_statistics), alike)


def _of_images(statistic: Callable[[Tensor], Tensor]) -> Extract:
    def extract(images: Images) -> Features:
        parts = [statistic(part).double().numpy() for part in images.pixels.split(CHUNK)]
        return np.concatenate(parts)

    return extract


@register_audit_baseline
class Statistics(AuditBaseline):
    """What simple statistics of the pixels say. They need no latents, so they see what was not recorded.

    Mean, deviation and area must be at chance where figures have equal areas. The bounding box and the number of edge
    pixels carry real shape, and of characters and photographs all of them do: these are reported, not judged.

    The number of pixels above a threshold carries shape too, however figures are drawn: a disc covers some numbers of
    pixel centres more often than others. Ideal discs and squares of equal area, 4 to 8.8 pixels in radius, were told
    apart by it at 52.9 %. So the area that is judged counts every pixel by how far it lies between the darkest and the
    lightest.
    """

    name = "statistics"

    def rows(self, draws: Draws) -> Iterator[Row]:
        for what, statistic in JUDGED.items():
            extract = _of_images(statistic)
            for probe, hits in both_probes(class_question(draws, extract)):
                yield _judged_if_equal_area(draws, f"{what} → class, {probe}", "single", hits, draws.class_chance)
            for probe, hits in both_probes(label_question(draws, extract)):
                yield _judged_if_equal_area(draws, f"{what} → label, {probe}", "pair", hits, 0.5)
        for what, statistic in REPORTED.items():
            extract = _of_images(statistic)
            hits = boosting(class_question(draws, extract))
            yield informative(f"{what} → class, gradient boosting", "single", hits, BY_NATURE)
            hits = boosting(label_question(draws, extract))
            yield informative(f"{what} → label, gradient boosting", "pair", hits, BY_NATURE)


def _judged_if_equal_area(draws: Draws, what: str, level: Level, hits: NDArray[np.bool_], chance: float) -> Row:
    if draws.equal_area:
        return judged(what, level, hits, chance)
    return informative(what, level, hits, BY_NATURE)
