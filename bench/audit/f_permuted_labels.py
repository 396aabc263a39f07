"""Baseline f: a network trained on shuffled labels. Above chance, the test labels have reached the training."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from bench.audit.material import Material
from bench.audit.networks import pair_hits, train_on_pairs
from bench.audit.rows import Row, judged

NAME = "f permuted labels"


def permuted_labels(material: Material) -> Iterator[Row]:
    """Normal images, training labels in random order, test labels as they are."""
    train, test = material.train, material.test
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(material.seed))
    model = train_on_pairs(material, train.a.pixels, train.b.pixels, train.label[order])
    hits = pair_hits(model, test.a.pixels, test.b.pixels, test.label)
    yield judged(NAME, "pair → label, network", "pair", hits)
