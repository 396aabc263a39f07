"""Pairs whose B comes from another pair."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws
from bench.audit.networks import pair_hits, train_on_pairs
from bench.audit.rows import Row, informative, judged


@register_audit_baseline
class ShuffledPairs(AuditBaseline):
    """A trained model on pairs whose B comes from another pair. Above chance, the evaluation is wrong.

    Its answer to (A, B of another pair) against the label of the pair that A came from. The accuracy on the pairs as
    they are is reported with it: a model at chance could show nothing here.
    """

    name = "shuffled_pairs"

    def needs_warm_up(self, draws: Draws) -> bool:
        return True

    def rows(self, draws: Draws) -> Iterator[Row]:
        train, test = draws.train, draws.test
        model = train_on_pairs(draws, train.a.pixels, train.b.pixels, train.label)
        a, b, label = test.a.pixels, test.b.pixels, test.label
        learned = pair_hits(model, a, b, label)
        yield informative("pairs as they are → label, network", "pair", learned, "what it has learned")
        order = torch.randperm(len(b), generator=torch.Generator().manual_seed(draws.seed))
        yield judged("(A, other B) → old label, network", "pair", pair_hits(model, a, b[order], label))
