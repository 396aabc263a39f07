"""A metric of fusions over versions: runs after each other, or what a committed file of records was at each commit."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.metrics import METRICS, metric_position
from bench.records.entries import Entry, entries_of
from bench.records.load import Run, pool
from bench.records.record import Group, Role
from bench.records.sections import Table, tables_of
from bench.stats.intervals import Array
from bench.stats.paired import Paired, paired


@dataclass(frozen=True, eq=False)
class Course:
    """One fusion over the versions.

    Attributes:
        seeds: (versions,) that finished. mean, half_width: (versions,) over them, nan where there are none.
        change: from the version before to the last one that has it, over the seeds of both; None where one alone does.
    """

    group: Group
    role: Role
    seeds: Sequence[int]
    mean: Array
    half_width: Array
    change: Paired | None

    @property
    def newest(self) -> float:
        """The last mean there is; nan without any."""
        known = self.mean[~np.isnan(self.mean)]
        return float(known[-1]) if len(known) else math.nan


@dataclass(frozen=True)
class History:
    """The courses of one table and backbone: fusions before what stands apart, each with the best newest first.

    Attributes:
        versions: those with a value here, the oldest first.
    """

    table: Table
    backbone: str
    metric: str
    versions: Sequence[Run]
    courses: Sequence[Course]

    @property
    def title(self) -> str:
        """Heading, different for every history."""
        return f"{self.table.title} · {self.backbone}"


def histories_of(versions: Sequence[Run], metric: str, chosen: Collection[Group]) -> list[History]:
    """One for each table and backbone, on the domain trained on.

    Args:
        versions: the oldest first. chosen: the groups to show.
    """
    found = [{entry.group: entry for entry in entries_of(pool([one]).cells)} for one in versions]
    groups = sorted({group for entries in found for group in entries if group in chosen})
    histories = []
    for table, members in tables_of(groups, lambda group: group):
        for backbone in sorted({group.backbone for group in members}):
            own = [group for group in members if group.backbone == backbone]
            shown = [at for at, entries in enumerate(found) if any(_has(entries, group, metric) for group in own)]
            courses = [_course(group, [found[at] for at in shown], metric) for group in own]
            kept = [course for course in courses if not math.isnan(course.newest)]
            sign = METRICS.get(metric).direction or 1
            kept.sort(key=lambda course: (course.role != "fusion", -sign * course.newest, course.group.fusion))
            if kept:
                histories.append(History(table, backbone, metric, [versions[at] for at in shown], kept))
    return histories


def _has(entries: Mapping[Group, Entry], group: Group, metric: str) -> bool:
    return group in entries and not math.isnan(entries[group].mean(group.domain, metric))


def _course(group: Group, versions: Sequence[Mapping[Group, Entry]], metric: str) -> Course:
    own = [entries.get(group) for entries in versions]
    known = [entry for entry in own if entry and not math.isnan(entry.mean(group.domain, metric))]
    role = known[-1].role if known else "fusion"
    return Course(
        group,
        role,
        [len(entry.tested(group.domain)) if entry else 0 for entry in own],
        np.array([entry.mean(group.domain, metric) if entry else math.nan for entry in own]),
        np.array([entry.half_width(group.domain, metric) if entry else math.nan for entry in own]),
        _change(known[-2], known[-1], metric) if len(known) > 1 else None,
    )


def _change(before: Entry, after: Entry, metric: str) -> Paired | None:
    old, new = _by_seed(before, metric), _by_seed(after, metric)
    shared = sorted(old.keys() & new.keys())
    return paired(np.array([new[seed] - old[seed] for seed in shared])) if shared else None


def _by_seed(entry: Entry, metric: str) -> dict[int, float]:
    position = metric_position(metric)
    tested = ((cell.seed, cell.eval.get(entry.group.domain)) for cell in entry.finished)
    values = ((seed, one.values[position]) for seed, one in tested if one)
    return {seed: value for seed, value in values if value is not None}
