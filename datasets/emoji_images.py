"""Emoji rendered from their packages: concepts that six sets draw, duplicates merged."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.errors import UsageError
from bench.packages import Rendered, locate, rendered
from bench.source import source_hash

from .emoji_concepts import Concept, Drawing, read_concepts
from .emoji_packages import PACKAGES, SETS, UNICODE

RENDERER = "resvg-py"
LEAST_SETS = 6
# Whether two concepts look the same must not depend on the size that is asked for.
COMPARED_AT = 32
BACKGROUND = (255, 255, 255)
Pixels = NDArray[np.uint8]


class EmojiImages:
    """All images in one size, from the cache or rendered now.

    Attributes:
        content: hash of the images and of all that is known of them.
        pixels: (N, 3, size, size) uint8.
        concept, vendor: (N,) int64, places in ``codes`` and ``SETS``.
        codes, names, subgroups: of each concept.
    """

    def __init__(self, size: int) -> None:
        found = _kept(size)
        self.content = found.content
        self.pixels: Pixels = found.arrays["pixels"]
        self.concept, self.vendor = found.arrays["concept"], found.arrays["vendor"]
        self.codes, self.names, self.subgroups = (found.arrays[name].tolist() for name in ("code", "name", "subgroup"))


def _kept(size: int) -> Rendered:
    locked = {str(package): package.digest for package in PACKAGES}
    identity = {"packages": locked, "renderer": _renderer(), "source": source_hash(EmojiImages), "size": size}
    return rendered(identity, lambda: _render_all(size))


def _renderer() -> str:
    try:
        return f"{RENDERER} {version(RENDERER)}"
    except PackageNotFoundError:
        raise UsageError(f"emoji: {RENDERER} is not installed; pip install 'fusebench[data]'") from None


def _render_all(size: int) -> dict[str, NDArray[np.generic]]:
    roots = {name: locate(package, "emoji") for name, package in SETS.items()}
    concepts = _merged(read_concepts(roots, locate(UNICODE, "emoji")))
    drawn = [(place, name) for place, one in enumerate(concepts) for name in SETS if name in one.drawings]
    pixels = np.stack([render(concepts[place].drawings[name], size) for place, name in drawn])
    places, vendors = np.array([(place, list(SETS).index(name)) for place, name in drawn], np.int64).T
    texts = {key: np.array([getattr(one, key) for one in concepts]) for key in ("code", "name", "subgroup")}
    return {"pixels": pixels, "concept": places, "vendor": vendors, **texts}


def render(drawing: Drawing, size: int) -> Pixels:
    """A drawing in the middle of a plain square, (3, size, size) uint8."""
    from resvg_py import svg_to_bytes

    left, top, width, height = drawing.frame
    side = max(width, height)
    box = f"{left - (side - width) / 2} {top - (side - height) / 2} {side} {side}"
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    svg = f'<svg {spaces} width="{size}" height="{size}" viewBox="{box}">{drawing.body}</svg>'
    image = Image.open(io.BytesIO(bytes(svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True))))
    plain = Image.new("RGBA", image.size, (*BACKGROUND, 255))
    plain.alpha_composite(image.convert("RGBA"))
    return np.asarray(plain.convert("RGB")).transpose(2, 0, 1)


def _merged(concepts: Sequence[Concept]) -> list[Concept]:
    """Concepts of which at least ``LEAST_SETS`` sets have a drawing; those that look alike are one, under the
    first code."""
    several = [one for one in concepts if len(one.drawings) >= LEAST_SETS]
    first = list(range(len(several)))
    for alike in _alike(several):
        joined = {_root(first, place) for place in alike}
        for place in joined:
            first[place] = min(joined)
    members = defaultdict(list)
    for place, one in enumerate(several):
        members[_root(first, place)].append(one)
    return [_joined(group) for group in members.values()]


def _root(first: Sequence[int], place: int) -> int:
    while first[place] != place:
        place = first[place]
    return place


def _alike(concepts: Sequence[Concept]) -> Iterable[set[int]]:
    """Places of concepts that have a drawing with the same pixels, by one set or by two."""
    seen: Mapping[bytes, set[int]] = defaultdict(set)
    for place, one in enumerate(concepts):
        for drawing in one.drawings.values():
            seen[render(drawing, COMPARED_AT).tobytes()].add(place)
    return [places for places in seen.values() if len(places) > 1]


def _joined(group: Sequence[Concept]) -> Concept:
    """One concept of several; of two drawings by one set, that of the first code."""
    drawings = {name: drawing for one in reversed(group) for name, drawing in one.drawings.items()}
    return Concept(group[0].code, group[0].name, group[0].subgroup, drawings)
