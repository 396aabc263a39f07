"""The picture on the card of a fusion: the way from two images to a score, and what the join does on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

import torch
from torch import Tensor

from bench.catalogue.interaction import interaction, joined_shape
from bench.catalogue.kinds import example
from bench.fusion import SYMMETRIZE, Fusion
from bench.model import build_fusion
from bench.spec import Spec

HEIGHT, TOP, IMAGE, BOX, GAP, GRID = 144, 22, 46, 80, 62, 96
# Of the lines on which A, B and what is joined travel.
LANE_A, LANE_B, MIDDLE = TOP + 26, TOP + GRID - 26, TOP + GRID // 2
COLOURS = {LANE_A: "#3b82c4", LANE_B: "#d97706", MIDDLE: "currentColor"}
SHADES = 5
# What is weaker than this part of the strongest is left white.
SEEN, NEARLY_ALL = 0.05, 0.95
PLACES = {"pixels": ("patch", "patches"), "tokens": ("token", "tokens"), "embedding": ("dimension", "dimensions")}


@dataclass(frozen=True)
class Part:
    """A box of the picture.

    Attributes:
        text: its lines.
        to: how many streams leave it, 1 or 2.
        label: what leaves it.
        learned: it has weights that training changes.
        apart: there is one for each image.
    """

    text: tuple[str, ...]
    to: int = 1
    label: str = ""
    learned: bool = True
    apart: bool = False


JOIN = Part(("join",))


class Picture(NamedTuple):
    """An SVG in the colour of the text around it, and what it shows in words."""

    svg: str
    caption: str


def picture(fusion: Spec) -> Picture:
    """The picture of a fusion, by name with parameters, for the sizes of :func:`bench.catalogue.kinds.example`.

    The grid in the join is what :func:`bench.catalogue.interaction.interaction` finds.
    """
    with torch.random.fork_rng(devices=[]):
        built = build_fusion(fusion, example())
    strengths = interaction(fusion)
    body, x, streams, label = [*_images(built)], IMAGE, 2, ""
    for part in _parts(built):
        body += _arrows(x, streams, label)
        x += GAP
        if part is JOIN:
            body += _grid(x, strengths, sum(p.numel() for p in built.parameters()))
            streams, label = (2 if built.needs == "exchange" else 1), _shown(_out(built))
            x += GRID
        else:
            body += _box(x, part)
            streams, label = part.to, part.label
            x += BOX
    body += [*_arrows(x, 1, label), _text(x + GAP + 20, MIDDLE + 4, "score")]
    width, caption = x + GAP + 40, f"{_met(built, strengths)}. {_order(fusion, built)}."
    return Picture(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" role="img" '
        f'font-family="sans-serif" fill="currentColor" stroke-width="1.5">'
        f"<title>{escape(f'{fusion}: {caption}')}</title>{''.join(body)}</svg>",
        caption,
    )


def _met(fusion: Fusion, strengths: Tensor) -> str:
    unit, units = PLACES.get(fusion.needs, ("place", "places"))
    others = strengths[~torch.eye(len(strengths), dtype=torch.bool)] > SEEN
    if not strengths.any():
        return f"No {unit} of A acts together with one of B in the join"
    if not others.any():
        only = "almost only " if (strengths.count_nonzero() > len(strengths)) else ""
        return f"Each {unit} of A acts together {only}with the same {unit} of B"
    if others.double().mean() < NEARLY_ALL:
        return f"{units.capitalize()} of A act together with some {units} of B"
    return f"Each {unit} of A acts together with every {unit} of B"


def _order(fusion: Spec, built: Fusion) -> str:
    if built.symmetric:
        return "The order of A and B does not matter"
    return "Both orders are averaged" if fusion.params.get(SYMMETRIZE) else "The order of A and B matters"


def _parts(fusion: Fusion) -> Iterator[Part]:
    """The boxes from left to right."""
    encoded, trained = _shown(joined_shape(fusion, example())), fusion.encoder == "trained"
    whole = ("backbone",) if trained else ("backbone", "random,", "frozen")
    if fusion.sees == "likelihoods":
        yield Part(("observer",), 2, encoded, learned=False)
    elif fusion.needs in ("stage", "exchange"):
        yield Part(("backbone", f"stage 0-{fusion.stage}" if fusion.stage else "stage 0"), 2, encoded)
    elif fusion.needs != "pixels":
        yield Part(whole, 2, encoded, learned=trained, apart=fusion.towers == 2)
    yield JOIN
    if fusion.needs == "exchange":
        yield Part(("backbone", "the rest"), 2, f"{example().dim}")
        yield Part(("join of", "the two"), 1, f"{fusion.out_dim}")
    elif fusion.needs in ("pixels", "stage") and fusion.encoder != "none":
        yield Part(("backbone",) if fusion.needs == "pixels" else ("backbone", "the rest"), 1, f"{example().dim}")
    if fusion.head != "score":
        yield Part(("head", f"{fusion.head_width} hidden" if fusion.head == "mlp" else "linear"))


def _out(fusion: Fusion) -> tuple[int, ...]:
    """Shape of what leaves the join."""
    if fusion.needs in ("stage", "exchange"):
        return joined_shape(fusion, example())
    if fusion.needs == "pixels" and fusion.encoder != "none":
        image = fusion.joined(example().image)
        return (image.channels, image.height, image.width)
    return () if fusion.head == "score" else (fusion.out_dim,)


def _shown(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _images(fusion: Fusion) -> Iterator[str]:
    for name, lane in (("A", LANE_A), ("B", LANE_B)):
        yield f'<rect y="{lane - 20}" width="{IMAGE}" height="40" fill="{COLOURS[lane]}" fill-opacity=".3"/>'
        yield _text(IMAGE // 2, lane + 4, f"mask {name}" if fusion.sees == "mask" else name)


def _arrows(x: int, streams: int, label: str) -> Iterator[str]:
    end = x + GAP - 2
    for lane in (LANE_A, LANE_B) if streams == 2 else (MIDDLE,):
        colour = COLOURS[lane]
        yield f'<path d="M{x + 2} {lane}H{end}m-6 -4l6 4l-6 4" fill="none" stroke="{colour}"/>'
        if label:
            yield _text((x + end) // 2, lane - 6, label)


def _box(x: int, part: Part) -> Iterator[str]:
    look = 'fill-opacity=".12"' if part.learned else 'fill="none" stroke-dasharray="4 3"'
    for y, height in [(LANE_A - 20, 40), (LANE_B - 20, 40)] if part.apart else [(TOP, GRID)]:
        yield f'<rect x="{x}" y="{y}" width="{BOX}" height="{height}" rx="6" {look} stroke="currentColor"/>'
        for row, line in enumerate(part.text):
            yield _text(x + BOX // 2, y + height // 2 + 4 + 16 * row - 8 * (len(part.text) - 1), line)


def _grid(x: int, strengths: Tensor, weights: int) -> Iterator[str]:
    """A square for each place of A (downwards) and of B (to the right), dark where they act together."""
    size = GRID / len(strengths)
    shades = (strengths * SHADES).ceil().int().where(strengths > SEEN, torch.zeros(()).int())
    for shade in range(1, SHADES + 1):
        cells = "".join(f"M{j} {i}h1v1h-1z" for i, j in (shades == shade).nonzero().tolist())
        if cells:
            opacity = f"{shade / SHADES:.1f}"
            yield f'<path transform="translate({x} {TOP}) scale({size:g})" fill-opacity="{opacity}" d="{cells}"/>'
    yield f'<rect x="{x}" y="{TOP}" width="{GRID}" height="{GRID}" fill="none" stroke="currentColor"/>'
    yield _text(x + GRID // 2, TOP - 8, "join")
    yield _text(x + GRID // 2, TOP + GRID + 18, f"{weights:,} weights" if weights else "no weights")


def _text(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle" font-size="12">{escape(text)}</text>'
