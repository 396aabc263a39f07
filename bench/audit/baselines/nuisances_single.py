"""The latents of one image."""

from __future__ import annotations

from collections.abc import Iterator

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws, nuisance_names, nuisances
from bench.audit.probes import both_probes, class_question
from bench.audit.rows import Row, judged, not_applicable


@register_audit_baseline
class NuisancesSingle(AuditBaseline):
    """What the latents of one image say about its class. The shape must be independent of all else.

    Place, size, angle, colours, textures and whatever else was recorded. More sensitive than any question about pairs:
    what names an image with probability p decides only p^2 + (1 - p)^2 of the pairs.
    """

    name = "nuisances_single"

    def rows(self, draws: Draws) -> Iterator[Row]:
        if not nuisance_names(draws.test.a):
            yield not_applicable("no latents")
            return
        for probe, hits in both_probes(class_question(draws, nuisances)):
            yield judged(f"latents → class, {probe}", "single", hits, draws.class_chance)
