"""Augmentation: training images altered anew each time that they are shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.domain import uniforms
from bench.errors import UsageError

OFF = "none"
EXAMPLE = "expected one or several, such as flip+rotate=15"
# Of an image, that an erased rectangle covers, and its height by its width. Zhong et al., 2020, Random erasing.
ERASED, SHAPE = (0.02, 0.33), (0.3, 3.3)
# Luma of red, green and blue, as in ITU-R BT.601.
LUMA = 0.2989, 0.587, 0.114


@dataclass(frozen=True)
class Operation:
    """One way to alter images, of which ``strength`` says how much.

    The operations are those of torchvision, which draws one set of numbers for a batch: here every image has its own.

    Attributes:
        what: in a line.
        strength: unless told otherwise. most: the largest there is; all are above 0.
        columns: uniform numbers that it takes for each image.
    """

    what: str
    strength: float
    most: float
    columns: int


@dataclass(frozen=True)
class Move(Operation):
    """Pixels are read elsewhere.

    Attributes:
        matrices: (B, 3, 3) float64 from ``u`` (B, columns) float64 and a strength. From the coordinates of a pixel, -1
            to 1 from edge to edge, they make those at which it is read in a square image.
    """

    matrices: Callable[[Tensor, float], Tensor]


@dataclass(frozen=True)
class Paint(Operation):
    """Pixels stay in their place and change their values.

    Attributes:
        painted: images (B, 3, H, W) float32 of 0 to 255, from such images, ``u`` (B, columns) float32 and a strength.
    """

    painted: Callable[[Tensor, Tensor, float], Tensor]


def _flip(u: Tensor, chance: float) -> Tensor:
    return _matrices(len(u), {(0, 0): torch.where(u[:, 0] < chance, -1.0, 1.0).double()})


def _rotate(u: Tensor, degrees: float) -> Tensor:
    angle = (2 * u[:, 0] - 1) * math.radians(degrees)
    cos, sin = angle.cos(), angle.sin()
    return _matrices(len(u), {(0, 0): cos, (0, 1): -sin, (1, 0): sin, (1, 1): cos})


def _crop(u: Tensor, least: float) -> Tensor:
    side = (1 - u[:, 0] * (1 - least)).sqrt()
    x, y = (2 * u[:, 1:].T - 1) * (1 - side)
    return _matrices(len(u), {(0, 0): side, (1, 1): side, (0, 2): x, (1, 2): y})


def _matrices(n: int, entries: Mapping[tuple[int, int], Tensor]) -> Tensor:
    found = torch.eye(3, dtype=torch.float64).repeat(n, 1, 1)
    for (row, column), values in entries.items():
        found[:, row, column] = values
    return found


def _jitter(images: Tensor, u: Tensor, strength: float) -> Tensor:
    brightness, contrast, saturation = (1 + (2 * u.T - 1) * strength)[..., None, None, None]
    images = (images * brightness).clamp(0, 255)
    images = _blend(images, _grey(images).mean((2, 3), keepdim=True), contrast)
    return _blend(images, _grey(images), saturation)


def _blend(images: Tensor, others: Tensor, share: Tensor) -> Tensor:
    return (share * images + (1 - share) * others).clamp(0, 255)


def _grey(images: Tensor) -> Tensor:
    return (images * images.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)


def _erase(images: Tensor, u: Tensor, chance: float) -> Tensor:
    height, width = images.shape[2:]
    area = (ERASED[0] + u[:, 1] * (ERASED[1] - ERASED[0])) * height * width
    shape = (u[:, 2] * math.log(SHAPE[1] / SHAPE[0])).exp() * SHAPE[0]
    rows = _within(height, (area * shape).sqrt().clamp(max=height), u[:, 3])
    columns = _within(width, (area / shape).sqrt().clamp(max=width), u[:, 4])
    erased = rows[:, None, :, None] & columns[:, None, None, :] & (u[:, 0] < chance)[:, None, None, None]
    return torch.where(erased, images.mean((1, 2, 3), keepdim=True), images)


def _within(length: int, span: Tensor, u: Tensor) -> Tensor:
    """Which of ``length`` places lie within a random stretch of ``span`` (B,) of them, (B, length) bool."""
    first = (u * (length - span)).round()[:, None]
    places = torch.arange(length, device=u.device)
    return (places >= first) & (places < first + span.round().clamp(min=1)[:, None])


# In the order in which they are applied.
MOVES: Mapping[str, Move] = {
    "flip": Move("left and right exchanged, with this probability", 0.5, 1, 1, _flip),
    "rotate": Move("turned by up to so many degrees to either side", 15, 180, 1, _rotate),
    "crop": Move("a part of at least this share of the area, enlarged", 0.8, 1, 3, _crop),
}
PAINTS: Mapping[str, Paint] = {
    "jitter": Paint("brightness, contrast and saturation times 1 ± up to this", 0.2, 1, 3, _jitter),
    "erase": Paint("a rectangle filled with the mean, with this probability", 0.1, 1, 5, _erase),
}
OPERATIONS: Mapping[str, Operation] = {**MOVES, **PAINTS}


@dataclass(frozen=True)
class Augmentation:
    """Operations with their strengths; its text is the one way to write it."""

    strengths: Mapping[str, float]

    @classmethod
    def parse(cls, text: str) -> Augmentation:
        """Read ``name=strength+...``, where a strength may be left out, or ``none``.

        Raises:
            UsageError: an unknown operation, one given twice, or a strength out of range.
        """
        given: dict[str, float] = {}
        for part in text.split("+") if text.strip() != OFF else ():
            name, sign, strength = (piece.strip() for piece in part.partition("="))
            if name not in OPERATIONS:
                raise UsageError(
                    f"augment {text!r}: unknown operation {name!r}; known: {', '.join(OPERATIONS)}; {EXAMPLE}"
                )
            if name in given:
                raise UsageError(f"augment {text!r}: {name} is given twice")
            given[name] = _strength(name, strength, text) if sign else OPERATIONS[name].strength
        return cls({name: given[name] for name in OPERATIONS if name in given})

    def __str__(self) -> str:
        return "+".join(f"{name}={strength:.12g}" for name, strength in self.strengths.items()) or OFF

    def __bool__(self) -> bool:
        return bool(self.strengths)

    @property
    def moves(self) -> bool:
        """Whether figures are elsewhere afterwards."""
        return any(name in MOVES for name in self.strengths)


def _strength(name: str, given: str, text: str) -> float:
    try:
        strength = float(given)
    except ValueError:
        strength = math.nan
    operation = OPERATIONS[name]
    if not 0 < strength <= operation.most:
        allowed = f"a number above 0 and at most {operation.most:g}"
        raise UsageError(f"augment {text!r}: {name}={given}: expected {allowed}: {operation.what}")
    return strength


class Augmenter:
    """Alters one batch of pairs after the other, the two images of a pair independently.

    What the i-th pair since its making is altered by depends on ``seed`` and i alone.

    Args:
        aligned: whether one place is the same in both images of a pair: both are moved alike then.
    """

    def __init__(self, augmentation: Augmentation, seed: int, aligned: bool = False) -> None:
        self.augmentation, self.seed, self.aligned = augmentation, seed, aligned
        self._shown = 0

    def __call__(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Images A and B (B, 3, H, W) uint8 of the next pairs, altered; those given stay as they are."""
        start = self._shown
        self._shown += len(a)
        return self._altered(a, "a", start), self._altered(b, "b", start)

    def _altered(self, images: Tensor, side: str, start: int) -> Tensor:
        altered = images.float()
        moves, paints = ([name for name in self.augmentation.strengths if name in table] for table in (MOVES, PAINTS))
        if moves:
            # Turned in pixels: the coordinates of an image that is no square differ in their unit.
            height, width = images.shape[2:]
            unit = torch.tensor([[1, height / width, 1], [width / height, 1, 1], [1, 1, 1]], dtype=torch.float64)
            place = "both" if self.aligned else side
            matrices = [unit * MOVES[name].matrices(*self._drawn(name, place, start, len(images))) for name in moves]
            altered = read_at(altered, reduce(torch.matmul, matrices))
        for name in paints:
            u, strength = self._drawn(name, side, start, len(images))
            altered = PAINTS[name].painted(altered, u.float().to(images.device), strength)
        return altered.add(0.5).clamp(0, 255).to(torch.uint8)

    def _drawn(self, name: str, place: str, start: int, n: int) -> tuple[Tensor, float]:
        """Uniform numbers (n, columns) of an operation, and its strength."""
        u = uniforms(("augment", name, place, int(self.seed)), start, n, OPERATIONS[name].columns)
        return u, self.augmentation.strengths[name]


def read_at(images: Tensor, matrices: Tensor) -> Tensor:
    """Images (B, 3, H, W) float32 read where ``matrices`` (B, 3, 3) say, between pixels bilinearly, and beyond an edge
    as at the edge: black corners would tell by how much an image was turned."""
    height, width = images.shape[2:]
    x, y = (((torch.arange(size, device=images.device) + 0.5) * 2 / size - 1) for size in (width, height))
    rows = matrices.float().to(images.device)[..., None, None]
    # Written out, as a product of matrices would be rounded under autocast.
    grid = torch.stack([rows[:, r, 0] * x + rows[:, r, 1] * y[:, None] + rows[:, r, 2] for r in range(2)], -1)
    return F.grid_sample(images, grid, "bilinear", "border", align_corners=False)
