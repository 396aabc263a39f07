"""The latents of both images."""

from __future__ import annotations

from collections.abc import Iterator

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws, nuisance_names, nuisances
from bench.audit.probes import both_probes, label_question
from bench.audit.rows import Row, judged, not_applicable


@register_audit_baseline
class NuisancesPair(AuditBaseline):
    """What the latents of both images say about the label, such as same pairs that are nearer in size.

    The latents of both images, their differences and their products.
    """

    name = "nuisances_pair"

    def rows(self, draws: Draws) -> Iterator[Row]:
        if not nuisance_names(draws.test.a):
            yield not_applicable("no latents")
            return
        for probe, hits in both_probes(label_question(draws, nuisances)):
            yield judged(f"latents, differences, products → label, {probe}", "pair", hits)
