"""Baseline c: what the latents of both images say about the label, such as same pairs that are nearer in size."""

from __future__ import annotations

from collections.abc import Iterator

from bench.audit.draws import Material, nuisance_names
from bench.audit.nuisances_single import nuisances
from bench.audit.probes import both_probes, label_question
from bench.audit.rows import Row, judged, not_applicable

NAME = "c nuisances, pair"


def nuisances_pair(material: Material) -> Iterator[Row]:
    """Latents of both images, their differences and their products → label."""
    if not nuisance_names(material.test.a):
        yield not_applicable(NAME, "no latents")
        return
    for probe, hits in both_probes(label_question(material, nuisances)):
        yield judged(NAME, f"latents, differences, products → label, {probe}", "pair", hits)
