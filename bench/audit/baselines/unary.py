"""One image of a pair."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws
from bench.audit.networks import image_hits, pair_hits, train_on_images, train_on_pairs
from bench.audit.probes import distance_hits
from bench.audit.rows import Row, informative, judged, lifted


@register_audit_baseline
class Unary(AuditBaseline):
    """A network that sees one image of a pair only. Above chance, one side gives the label away.

    Fine-tuned, it reads image A alone, then image B alone, and answers whether the pair is same. Beside it stands a
    network that sees both: where that is no better than with the better one of them, the pairs ask for no join (the
    rule of MulTaBench), and where it is no better than the distance of their pixels, for no network. On photographs
    pixels may say something by nature, and what counts is the lift over them.
    """

    name = "unary"

    def needs_warm_up(self, draws: Draws) -> bool:
        return True

    def rows(self, draws: Draws) -> Iterator[Row]:
        train, test = draws.train, draws.test
        alone = []
        for side, learned, asked in (("A", train.a, test.a), ("B", train.b, test.b)):
            network = train_on_images(draws, learned.pixels, train.label, answers=2)
            alone.append(image_hits(network, asked.pixels, test.label))
            yield judged(f"image {side} → label, network", "pair", alone[-1])
        model = train_on_pairs(draws, train.a.pixels, train.b.pixels, train.label)
        together = pair_hits(model, test.a.pixels, test.b.pixels, test.label)
        yield informative("both images → label, network", "pair", together, "what it has learned")
        better = max(alone, key=np.mean)
        yield lifted("both images over the better one", together, better, "two images say no more than one")
        pixels = distance_hits(draws)
        yield informative("distance of the pixels → label", "pair", pixels, "the pixel control")
        yield lifted("both images over the pixel control", together, pixels, "a network sees no more than pixels")
