"""Baseline a: a network that sees one image of a pair only. Above chance, one side gives the label away."""

from __future__ import annotations

from collections.abc import Iterator

from bench.audit.draws import Material
from bench.audit.networks import image_hits, train_on_images
from bench.audit.rows import Row, judged

NAME = "a unary model"


def unary(material: Material) -> Iterator[Row]:
    """A fine-tuned network reads image A alone, then image B alone, and answers whether the pair is same."""
    train, test = material.train, material.test
    for side, learned, asked in (("A", train.a, test.a), ("B", train.b, test.b)):
        network = train_on_images(material, learned.pixels, train.label, answers=2)
        yield judged(NAME, f"image {side} → label, network", "pair", image_hits(network, asked.pixels, test.label))
