"""The latents: those of one image, and those of both."""

from __future__ import annotations

from collections.abc import Iterator

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws, nuisance_names, nuisances
from bench.audit.probes import both_probes, class_question, label_question
from bench.audit.rows import Row, judged, not_applicable

NOTHING = "no latents"


@register_audit_baseline
class NuisancesSingle(AuditBaseline):
    """What the latents of one image say about its class. The shape must be independent of all else.

    Place, size, angle, colours, textures and whatever else was recorded. More sensitive than any question about pairs:
    what names an image with probability p decides only p^2 + (1 - p)^2 of the pairs.
    """

    name = "nuisances_single"

    def rows(self, draws: Draws) -> Iterator[Row]:
        if not nuisance_names(draws.test.a):
            yield not_applicable(NOTHING)
            return
        for probe, hits in both_probes(class_question(draws, nuisances)):
            yield judged(f"latents → class, {probe}", "single", hits, draws.class_chance)


@register_audit_baseline
class NuisancesPair(AuditBaseline):
    """What the latents of both images say about the label, such as same pairs that are nearer in size.

    The latents of both images, their differences and their products.
    """

    name = "nuisances_pair"

    def rows(self, draws: Draws) -> Iterator[Row]:
        if not nuisance_names(draws.test.a):
            yield not_applicable(NOTHING)
            return
        for probe, hits in both_probes(label_question(draws, nuisances)):
            yield judged(f"latents, differences, products → label, {probe}", "pair", hits)
