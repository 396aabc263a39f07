"""What a trained warm-up task answers, on pictures: the held-out images with the smallest and the largest errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from bench.catalogue.contact_sheet import (
    BLACK,
    GAP,
    GREY,
    LINE,
    PAPER,
    SAMPLE,
    TEXT,
    WIDTH,
    enlarged,
    fitted,
    font_of,
    heading,
    stack,
)
from bench.training.warmup import WarmupTask
from bench.training.warmup.autoencoder import Autoencoder
from bench.training.warmup.centre import Centre

PITCH = SAMPLE + GAP
PER_ROW = WIDTH // PITCH
WHITE = (255, 255, 255)
RING, ARM = 6, 5


def centre_gallery(task: WarmupTask, shown: Tensor, outputs: Tensor, target: Tensor, title: str) -> Image.Image:
    """The figures that the task ``centre`` located best and worst: a ring at the true centre, a cross at the predicted.

    Args:
        shown: (N, 3, H, W) uint8.
        outputs, target: (N, 2), what the task answered and should have answered.
    """
    assert isinstance(task, Centre)
    distance = task.distance(outputs, target)

    def row(chosen: Tensor) -> Image.Image:
        pictures = _pictures(shown[chosen])
        scale = pictures[0].width / shown.shape[3]
        for picture, true, answer in zip(
            pictures, task.pixels(target[chosen]).tolist(), task.pixels(outputs[chosen]).tolist(), strict=True
        ):
            _mark(picture, [scale * at for at in true], [scale * at for at in answer])
        return _row([pictures], [f"{error:.2f} px off" for error in distance[chosen].tolist()])

    blocks = [heading(title), _line("ring: true centre; cross: predicted centre")]
    for text, chosen in _best_and_worst(distance, 2 * PER_ROW):
        blocks += [heading(text), *map(row, chosen.split(PER_ROW))]
    return stack(blocks)


def reconstructions(task: WarmupTask, shown: Tensor, outputs: Tensor, target: Tensor, title: str) -> Image.Image:
    """The images that the task ``autoencoder`` drew best, in between, and worst: originals above reconstructions.

    Args:
        shown: (N, 3, H, W) uint8.
        outputs, target: (N, 3, H, W) standardised.
    """
    error = (outputs - target).square().mean((1, 2, 3))
    drawn = destandardised(outputs, shown)

    def row(chosen: Tensor) -> Image.Image:
        below = [f"mse {value:.3f}" for value in error[chosen].tolist()]
        return _row([_pictures(shown[chosen]), _pictures(drawn[chosen])], below)

    blocks = [heading(title), _line("original above, reconstruction from the deepest map below it")]
    middle = error.argsort()[max(0, (len(error) - PER_ROW) // 2) :][:PER_ROW]
    best, worst = _best_and_worst(error, PER_ROW)
    for text, chosen in (best, ("in between", middle), worst):
        blocks += [heading(text), row(chosen)]
    return stack(blocks)


Picture = Callable[[WarmupTask, Tensor, Tensor, Tensor, str], Image.Image]
PICTURES: Mapping[str, Picture] = {Centre.name: centre_gallery, Autoencoder.name: reconstructions}


def distinct(images: Tensor) -> Tensor:
    """Where each image (N, C, H, W) uint8 stands first, (M,) int64: a finite collection is drawn with repeats."""
    first: dict[bytes, int] = {}
    for number, image in enumerate(images):
        first.setdefault(image.numpy().tobytes(), number)
    return torch.tensor(list(first.values()))


def destandardised(images: Tensor, like: Tensor) -> Tensor:
    """Standardised images back to uint8, each with the mean and deviation of the image (B, 3, H, W) uint8 ``like``."""
    source = like.float()
    mean = source.mean((1, 2, 3), keepdim=True)
    deviation = (source - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
    return (images * (deviation + 1.0) + mean + 0.5).clamp(0, 255).to(torch.uint8)


def _best_and_worst(error: Tensor, count: int) -> Iterator[tuple[str, Tensor]]:
    order = error.argsort()
    yield f"best of {len(error):,} held-out images", order[:count]
    yield f"worst of {len(error):,} held-out images", order.flip(0)[:count]


def _pictures(images: Tensor) -> list[Image.Image]:
    return [Image.fromarray(image) for image in enlarged(images.permute(0, 2, 3, 1).numpy(), SAMPLE)]


def _mark(picture: Image.Image, true: Sequence[float], predicted: Sequence[float]) -> None:
    """A ring and a cross, black with a white rim: to be seen on any colour."""
    draw, (x, y) = ImageDraw.Draw(picture), true
    for radius, width, color in ((RING + 1, 4, WHITE), (RING, 2, BLACK)):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=color, width=width)
    x, y = predicted
    for arm, width, color in ((ARM + 1, 4, WHITE), (ARM, 2, BLACK)):
        draw.line((x - arm, y - arm, x + arm, y + arm), fill=color, width=width)
        draw.line((x - arm, y + arm, x + arm, y - arm), fill=color, width=width)


def _row(lines: Sequence[Sequence[Image.Image]], captions: Sequence[str]) -> Image.Image:
    """Pictures beside each other, in one line or several, with a caption below each column."""
    block = Image.new("RGB", (WIDTH, len(lines) * PITCH + LINE + GAP), PAPER)
    for number, pictures in enumerate(lines):
        for place, picture in enumerate(pictures):
            block.paste(picture, (place * PITCH, number * PITCH))
    draw, font = ImageDraw.Draw(block), font_of(TEXT)
    for place, caption in enumerate(captions):
        draw.text((place * PITCH, len(lines) * PITCH - GAP // 2), fitted(caption, SAMPLE, font), font=font, fill=GREY)
    return block


def _line(text: str) -> Image.Image:
    block = Image.new("RGB", (WIDTH, LINE + GAP), PAPER)
    ImageDraw.Draw(block).text((0, 0), text, font=font_of(TEXT), fill=GREY)
    return block
