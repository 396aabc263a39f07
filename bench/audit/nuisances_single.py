"""Baseline b: what the latents of one image say about its class. The shape must be independent of all else.

More sensitive than any question about pairs: what names an image with probability p decides only p^2 + (1 - p)^2 of
the pairs.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from bench.audit.draws import Material, nuisance_names
from bench.audit.probes import Features, both_probes, class_question
from bench.audit.rows import Row, judged, not_applicable
from bench.domain import Images

NAME = "b nuisances, single image"


def nuisances(images: Images) -> Features:
    """All latents but those that are the shape, as columns (N, F)."""
    columns = [images.latents[name].double().reshape(len(images), -1) for name in nuisance_names(images)]
    return torch.cat(columns, dim=1).numpy()


def nuisances_single(material: Material) -> Iterator[Row]:
    """Place, size, angle, colours, textures and whatever else was recorded of one image → its class."""
    if not nuisance_names(material.test.a):
        yield not_applicable(NAME, "no latents")
        return
    for probe, hits in both_probes(class_question(material, nuisances)):
        yield judged(NAME, f"latents → class, {probe}", "single", hits, material.class_chance)
