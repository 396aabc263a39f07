"""Baseline h: a trained model on pairs whose B comes from another pair. Above chance, the evaluation is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from bench.audit.draws import Material
from bench.audit.networks import PAIR_FUSION, pair_hits, train_on_pairs
from bench.audit.rows import Row, informative, judged

NAME = "h shuffled pairs"


def shuffled_pairs(material: Material) -> Iterator[Row]:
    """The model's answer to (A, B of another pair) against the label of the pair that A came from.

    The accuracy on the pairs as they are is reported with it: a model at chance could show nothing here.
    """
    train, test = material.train, material.test
    model = train_on_pairs(material, train.a.pixels, train.b.pixels, train.label)
    a, b, label = test.a.pixels, test.b.pixels, test.label
    learned = pair_hits(model, a, b, label)
    yield informative(NAME, f"{PAIR_FUSION} on the pairs as they are", "pair", learned, "what it has learned")
    order = torch.randperm(len(b), generator=torch.Generator().manual_seed(material.seed))
    yield judged(NAME, f"{PAIR_FUSION} on (A, other B) → old label", "pair", pair_hits(model, a, b[order], label))
