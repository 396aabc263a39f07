"""What each of the two images says by itself, added up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.baselines.statistics import all_statistics
from bench.audit.draws import Draws
from bench.audit.probes import CHUNK, added_up, additive_probes, additive_question, ridge_scores
from bench.audit.rows import Row, judged_mean
from bench.domain import Images

SIDE = 32


@register_audit_baseline
class Additive(AuditBaseline):
    """What statistics and pixels of both images say about the label when what each says is only added up.

    Where every class is as frequent among same pairs as among different ones, as ``balance`` checks, neither image says
    anything about the label by itself, however much classes differ by nature: the label is in how they belong
    together, which no sum sees. So this is at chance on any domain: photographs, folders and lists of pairs included.
    The accuracy is the mean of two answers, one by what each image adds to the sum.
    """

    name = "additive"

    def rows(self, draws: Draws) -> Iterator[Row]:
        for probe, hits in additive_probes(additive_question(draws, all_statistics)):
            yield judged_mean(f"statistics of A and B, added up → label, {probe}", "pair", hits)
        train, test = ([_gray(pairs.a), _gray(pairs.b)] for pairs in (draws.train, draws.test))
        held = [side[:1].expand_as(side) for side in test]
        seen = torch.cat([torch.cat([test[0], held[1]], 1), torch.cat([held[0], test[1]], 1)])
        scores = ridge_scores(torch.cat(train, 1), draws.train.label[:, None], seen)[:, 0].double().numpy()
        of_a, of_b = np.split(scores, 2)
        hits = added_up(of_a, of_b, draws.test.label.numpy())
        yield judged_mean("pixels of A and B, added up → label, ridge regression", "pair", hits)


def _gray(images: Images) -> Tensor:
    """Means over the channels, (N, SIDE * SIDE); larger images are averaged down."""
    parts = [F.adaptive_avg_pool2d(part.float().mean(1), SIDE) for part in images.pixels.split(CHUNK)]
    return torch.cat(parts).flatten(1)
