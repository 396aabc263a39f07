"""What tuning gained: fusions under the default recipe and under their own, on replicates that no trial saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from bench.metrics import METRICS, metric_position
from bench.records.blocks import step_of
from bench.records.record import DetailedRecord
from bench.report.against_baseline import Comparison
from bench.stats.intervals import FEWEST_SEEDS
from bench.stats.paired import NOTHING, Array
from bench.stats.ties import tie_group
from bench.tune.order import Order, order_of
from bench.tune.trials import Subject, Trial, Tuned, tested
from bench.verdicts.verdicts import Difference, judge

# By replicate; None of a cell that was not run.
Records = Mapping[int, DetailedRecord | None]


@dataclass(frozen=True)
class Board:
    """The fusions of one domain and backbone.

    Attributes:
        tuned: those with a chosen recipe and with replicates that have a test value before and after, which are
            compared. unfinished: the others.
        before, after: (replicates, fusions) test values of those that all of ``tuned`` finished.
        comparison: after minus before of those under another recipe, a family of tests over their replicates.
        may_be_best: fusions that no other surely beats after tuning.
        replicates: the numbers of those that all finished.
        shares: what replicates share of a finite collection; empty where they share nothing.
    """

    domain: str
    backbone: str
    metric: str
    trials: tuple[Trial, ...]
    tuned: tuple[Tuned, ...]
    unfinished: tuple[Tuned, ...]
    before: Array
    after: Array
    comparison: Comparison
    order: Order | None
    may_be_best: tuple[str, ...]
    replicates: tuple[int, ...]
    shares: str


def boards_of(
    tuned: Sequence[Tuned],
    before: Mapping[Subject, Records],
    after: Mapping[Subject, Records],
    metric: str,
    margin: float,
) -> list[Board]:
    """A board for each domain and backbone.

    Args:
        tuned: sorted by subject.
        before, after: records of the final replicates; where the default recipe was chosen there is none in ``after``,
            since nothing changes.
        margin: below which a difference is of no interest, in the unit of the metric.
    """
    tables = groupby(tuned, key=lambda one: one.subject[:2])
    return [_board(table, tuple(members), before, after, metric, margin) for table, members in tables]


def _board(
    table: tuple[str, str],
    members: tuple[Tuned, ...],
    before: Mapping[Subject, Records],
    after: Mapping[Subject, Records],
    metric: str,
    margin: float,
) -> Board:
    domain, backbone = table
    direction, position = METRICS.get(metric).direction, metric_position(metric)
    values: dict[Subject, dict[int, tuple[float, float]]] = {}
    shares, finished = "", list[DetailedRecord]()
    for one in members:
        old = before.get(one.subject, {})
        new = after.get(one.subject, old)
        pairs = dict(tested(old, domain, position)), dict(tested(new, domain, position))
        values[one.subject] = {
            number: (pairs[0][number], pairs[1][number]) for number in pairs[0] if number in pairs[1]
        }
        own = [record for record in old.values() if record is not None]
        finished += own
        facts = [record.data.get(domain, {}) for record in own]
        shares = shares or next((fact["shared"] for fact in facts if fact.get("shared")), "")
    compared = tuple(one for one in members if one.best and values[one.subject])
    common = sorted(set.intersection(*(set(values[one.subject]) for one in compared))) if compared else []
    both = np.array([[values[one.subject][number] for one in compared] for number in common], dtype=float)
    both = both.reshape(len(common), len(compared), 2)
    step = step_of(finished, domain, metric)
    differences = [
        Difference(
            one.subject.fusion,
            backbone,
            np.array([b - a for a, b in values[one.subject].values()]),
            replace(NOTHING, step=step),
        )
        for one in compared
        if one.is_changed
    ]
    verdicts = tuple(judge(differences, direction, margin))
    is_inferred = len(common) >= FEWEST_SEEDS
    tied = tie_group(both[..., 1], direction, step=step) if is_inferred else np.zeros(len(compared), dtype=bool)
    return Board(
        domain=domain,
        backbone=backbone,
        metric=metric,
        trials=tuple(outcome.trial for outcome in members[0].outcomes),
        tuned=compared,
        unfinished=tuple(one for one in members if one not in compared),
        before=both[..., 0],
        after=both[..., 1],
        comparison=Comparison("default", metric, domain, margin, "replicate", verdicts),
        order=order_of(both[..., 0], both[..., 1], direction) if both.size else None,
        may_be_best=tuple(one.subject.fusion for one, ties in zip(compared, tied, strict=True) if ties),
        replicates=tuple(common),
        shares=shares,
    )
