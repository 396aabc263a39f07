"""Baseline e: a network on images whose shape was replaced by a random contour of equal area.

Class and label are those of the shape that is no longer there: what is still found comes from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.audit.draws import BLOB, Material, both
from bench.audit.networks import image_hits, pair_hits, train_on_images, train_on_pairs
from bench.audit.rows import Row, judged, not_applicable

NAME = "e shape-blind network"


def shape_blind(material: Material) -> Iterator[Row]:
    """Fine-tuned networks, trained and tested on blobs: image → class, pair → label."""
    blind = material.shape_blind()
    if blind is None:
        yield not_applicable(NAME, f"no shift {BLOB!r}")
        return
    train, test = both(blind.train), both(blind.test)
    classes = len(material.domain.classes)
    network = train_on_images(blind, train.pixels, train.latents["class"], classes)
    hits = image_hits(network, test.pixels, test.latents["class"])
    yield judged(NAME, "blob → class, network", "single", hits, material.class_chance)
    model = train_on_pairs(blind, blind.train.a.pixels, blind.train.b.pixels, blind.train.label)
    hits = pair_hits(model, blind.test.a.pixels, blind.test.b.pixels, blind.test.label)
    yield judged(NAME, "two blobs → label, network", "pair", hits)
