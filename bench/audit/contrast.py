"""The contrast floor: how many images no candidate colour or texture could lift above it."""

from __future__ import annotations

from collections.abc import Iterator

from bench.audit.draws import Material
from bench.audit.rows import MAX_SHARE, Row, counted, not_applicable

NAME = "contrast floor"
LATENT = "at_contrast_floor"


def contrast(material: Material) -> Iterator[Row]:
    """At most one image in a million may lie at the floor; counted over all images drawn."""
    sides = [side for pairs in (material.train, material.val, material.test) for side in (pairs.a, pairs.b)]
    if LATENT not in sides[0].latents:
        yield not_applicable(NAME, f"no latent {LATENT!r}")
        return
    found = sum(int(side.latents[LATENT].sum()) for side in sides)
    yield counted(NAME, "images at the floor", found, sum(map(len, sides)), MAX_SHARE)
