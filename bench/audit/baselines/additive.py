"""What each of the two images says by itself, added up."""

from __future__ import annotations

from collections.abc import Iterator

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
    The accuracy is that of how far the mean sums of same and of different pairs lie apart.
    """

    name = "additive"

    def rows(self, draws: Draws) -> Iterator[Row]:
        for probe, sums in additive_probes(additive_question(draws, all_statistics)):
            yield judged_mean(f"statistics of A and B, added up → label, {probe}", sums)
        train_x, test_x = (torch.cat([_gray(pairs.a), _gray(pairs.b)], 1) for pairs in (draws.train, draws.test))
        scores = ridge_scores(train_x, draws.train.label[:, None], test_x)[:, 0].double().numpy()
        sums = added_up(scores, draws.test.label.numpy())
        yield judged_mean("pixels of A and B, added up → label, ridge regression", sums)


def _gray(images: Images) -> Tensor:
    """Means over the channels, (N, SIDE * SIDE); larger images are averaged down."""
    parts = [F.adaptive_avg_pool2d(part.float().mean(1), SIDE) for part in images.pixels.split(CHUNK)]
    return torch.cat(parts).flatten(1)
