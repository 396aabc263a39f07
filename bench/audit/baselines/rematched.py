"""Pairs that were put together anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import Tensor

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.baselines.statistics import all_statistics
from bench.audit.draws import Draws, joined, subset
from bench.audit.probes import boosting, distance_hits, label_question
from bench.audit.rows import Row, Verdict, judged_lift, not_applicable
from bench.domain import Pairs

# How often the test pairs are put together anew, so that the control adds little to the width of an interval.
REPEATS = 4
LEAST_SHARE = 0.5
# Places whose relation in the two images says most about the label in training.
PLACES = 16
CHUNK = 2_048


@register_audit_baseline
class Rematched(AuditBaseline):
    """What a pair says about the label beyond the classes of its images, such as a mark that both carry.

    The control is the same pairs with every B exchanged for that of another pair with the same label and the same class
    of B. Classes stay as they were, and whatever images of these classes have in common by nature; what was put into
    one pair, such as a pixel in A that differs from that in B where the label is different, is gone. Asked are
    statistics of both images and how they relate, and pixels, down to their last bit, at the places that say most in
    training.
    """

    name = "rematched"

    def rows(self, draws: Draws) -> Iterator[Row]:
        if not draws.domain.names_images:
            yield lifted_alone(draws)
            return
        if draws.domain.aligned:
            yield not_applicable("the two images of a pair lie on each other, which exchanging one would undo")
            return
        generator = torch.Generator().manual_seed(draws.seed)
        train = rematched(draws.train, generator)
        tests = [rematched(draws.test, generator) for _ in range(REPEATS)]
        if min(len(train) / len(draws.train), len(tests[0]) / len(draws.test)) < LEAST_SHARE:
            yield not_applicable("for most pairs there is no other B of the same class under the same label")
            return
        control = draws.showing(train, joined(tests))
        hits = (boosting(label_question(one, all_statistics)) for one in (draws, control))
        yield judged_lift("statistics → label, over pairs matched anew, gradient boosting", *hits)
        yield judged_lift(
            "pixels → label, over pairs matched anew, gradient boosting", *map(_pixel_hits, (draws, control))
        )


def lifted_alone(draws: Draws) -> Row:
    """Where no classes are known nothing can be put together anew. A few places that say more than all pixels together
    are flagged: things that look alike do so everywhere."""
    what = f"{PLACES} places over the distance of all pixels → label, gradient boosting"
    row = judged_lift(what, _pixel_hits(draws), distance_hits(draws))
    return replace(row, verdict=Verdict.FLAGGED) if row.verdict is Verdict.LEAK else row


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


def _pixel_hits(draws: Draws) -> NDArray[np.bool_]:
    """Hits of gradient boosting on what the most telling places of training show in both images."""
    places = _telling(draws.train)
    model = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=0)
    with threadpool_limits(torch.get_num_threads()):
        model.fit(_at(draws.train, places), draws.train.label.numpy())
        return np.asarray(model.predict(_at(draws.test, places)) == draws.test.label.numpy())


def _telling(pairs: Pairs) -> Tensor:
    """The places (PLACES,) int64 in the flattened images where the difference of the two, or whether their last bits
    differ, is most correlated with the label."""
    label = pairs.label.double() - pairs.label.double().mean()
    size = pairs.a.pixels[0].numel()
    by_label, total, squares = (torch.zeros(2, size, dtype=torch.float64) for _ in range(3))
    for start in range(0, len(pairs), CHUNK):
        rows = slice(start, start + CHUNK)
        a, b = (side.pixels[rows].flatten(1) for side in (pairs.a, pairs.b))
        related = torch.stack([(a.short() - b.short()).abs().double(), ((a ^ b) & 1).double()])
        by_label += torch.einsum("kns,n->ks", related, label[rows])
        total += related.sum(1)
        squares += related.square().sum(1)
    n = len(pairs)
    spread = (squares / n - (total / n).square()).clamp_min(1e-12).sqrt()
    strength = (by_label / n / spread).abs()
    return torch.cat([one.topk(PLACES // 2).indices for one in strength]).unique()


def _at(pairs: Pairs, places: Tensor) -> NDArray[np.float64]:
    """Both images at some places, how far apart they are there, and whether their last bits differ, (N, 4 P)."""
    a, b = (side.pixels.flatten(1)[:, places].short() for side in (pairs.a, pairs.b))
    return torch.cat([a, b, (a - b).abs(), (a ^ b) & 1], dim=1).double().numpy()
