"""One image of a pair."""

from __future__ import annotations

from collections.abc import Iterator

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws
from bench.audit.networks import image_hits, train_on_images
from bench.audit.rows import Row, judged


@register_audit_baseline
class Unary(AuditBaseline):
    """A network that sees one image of a pair only. Above chance, one side gives the label away.

    Fine-tuned, it reads image A alone, then image B alone, and answers whether the pair is same.
    """

    name = "unary"

    def needs_warm_up(self, draws: Draws) -> bool:
        return True

    def rows(self, draws: Draws) -> Iterator[Row]:
        train, test = draws.train, draws.test
        for side, learned, asked in (("A", train.a, test.a), ("B", train.b, test.b)):
            network = train_on_images(draws, learned.pixels, train.label, answers=2)
            yield judged(f"image {side} → label, network", "pair", image_hits(network, asked.pixels, test.label))
