"""Images without their shape."""

from __future__ import annotations

from collections.abc import Iterator

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import BLOB, Draws, both
from bench.audit.networks import image_hits, pair_hits, train_on_images, train_on_pairs
from bench.audit.rows import Row, judged, not_applicable


@register_audit_baseline
class ShapeBlind(AuditBaseline):
    """Networks on images whose shape was replaced by a random contour of equal area: image → class, pair → label.

    Class and label are those of the shape that is no longer there: what is still found comes from elsewhere.
    """

    name = "shape_blind"

    def needs_warm_up(self, draws: Draws) -> bool:
        return draws.shape_blind() is not None

    def rows(self, draws: Draws) -> Iterator[Row]:
        blind = draws.shape_blind()
        if blind is None:
            yield not_applicable(f"no shift {BLOB!r}")
            return
        train, test = both(blind.train), both(blind.test)
        classes = len(draws.domain.classes)
        network = train_on_images(blind, train.pixels, train.latents["class"], classes)
        hits = image_hits(network, test.pixels, test.latents["class"])
        yield judged("blob → class, network", "single", hits, draws.class_chance)
        model = train_on_pairs(blind, blind.train.a.pixels, blind.train.b.pixels, blind.train.label)
        hits = pair_hits(model, blind.test.a.pixels, blind.test.b.pixels, blind.test.label)
        yield judged("two blobs → label, network", "pair", hits)
