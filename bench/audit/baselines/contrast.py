"""The contrast floor."""

from __future__ import annotations

from collections.abc import Iterator

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws
from bench.audit.rows import MAX_SHARE, Row, counted, not_applicable

LATENT = "at_contrast_floor"


@register_audit_baseline
class Contrast(AuditBaseline):
    """How many images no candidate colour or texture could lift above the contrast floor: at most one in a million.

    Counted over all images drawn.
    """

    name = "contrast"

    def rows(self, draws: Draws) -> Iterator[Row]:
        sides = [side for pairs in (draws.train, draws.val, draws.test) for side in (pairs.a, pairs.b)]
        if LATENT not in sides[0].latents:
            yield not_applicable(f"no latent {LATENT!r}")
            return
        found = sum(int(side.latents[LATENT].sum()) for side in sides)
        yield counted("images at the floor", found, sum(map(len, sides)), MAX_SHARE)
