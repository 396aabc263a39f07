"""Pairs that were put together anew."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.baselines.statistics import all_statistics
from bench.audit.draws import Draws, joined, subset
from bench.audit.places import pixel_hits
from bench.audit.probes import boosting, label_question
from bench.audit.rows import Row, judged_lift, not_applicable
from bench.domain import Pairs

# How often the test pairs are put together anew, so that the control adds little to the width of an interval.
REPEATS = 2
LEAST_SHARE = 0.5


@register_audit_baseline
class Rematched(AuditBaseline):
    """What a pair says about the label beyond the classes of its images, such as a mark that both carry.

    The control is the same test pairs with every B exchanged for that of another pair with the same label and the same
    class of B. Classes stay as they were, and whatever images of these classes have in common by nature; what was put
    into one pair, such as a pixel in A that differs from that in B where the label is different, is gone. One probe,
    fitted to the training pairs as they are, is asked of both: two would differ by themselves. It sees statistics of
    both images and how they relate, or pixels, down to their last bit, at the places that say most in training.
    """

    name = "rematched"

    def rows(self, draws: Draws) -> Iterator[Row]:
        if not draws.domain.names_images:
            yield not_applicable("only pairs are labelled: no other B is known to be of the same class")
            return
        if draws.domain.aligned:
            yield not_applicable("the two images of a pair lie on each other, which exchanging one would undo")
            return
        generator = torch.Generator().manual_seed(draws.seed)
        controls = [rematched(draws.test, generator) for _ in range(REPEATS)]
        n = len(draws.test)
        if len(controls[0]) < LEAST_SHARE * n:
            yield not_applicable("for most pairs there is no other B of the same class under the same label")
            return
        asked = draws.showing(draws.train, joined([draws.test, *controls]))
        hits = boosting(label_question(asked, all_statistics))
        yield judged_lift("statistics → label, over pairs matched anew, gradient boosting", hits[:n], hits[n:])
        hits = pixel_hits(asked)
        yield judged_lift("pixels → label, over pairs matched anew, gradient boosting", hits[:n], hits[n:])


def rematched(pairs: Pairs, generator: torch.Generator) -> Pairs:
    """Pairs whose B comes from another pair of the same label and the same class of B; where there is none, or B would
    show the same pixels as A, the pair is left out."""
    kind = pairs.b.latents["class"] * 2 + pairs.label
    shuffled = torch.randperm(len(pairs), generator=generator)
    order = shuffled[kind[shuffled].argsort(stable=True)]
    sizes = torch.bincount(kind)
    sizes = sizes[sizes > 0]
    first = (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
    place = torch.arange(len(pairs)) - first
    following = first + (place + 1) % sizes.repeat_interleave(sizes)
    taken = torch.empty(len(pairs), dtype=torch.int64)
    taken[order] = order[following]
    kept = (taken != torch.arange(len(pairs))).nonzero()[:, 0]
    kept = kept[(pairs.a.pixels[kept] != pairs.b.pixels[taken[kept]]).flatten(1).any(1)]
    return Pairs(subset(pairs.a, kept), subset(pairs.b, taken[kept]), pairs.label[kept])
