"""A metric of fusions over versions: runs after each other, or what a committed file of records was at each commit."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.metrics import METRICS
from bench.records.blocks import step_of
from bench.records.entries import Entry, entries_of, facts_of
from bench.records.load import Run, pool
from bench.records.record import Group, Role
from bench.records.scores import StoredScores
from bench.records.sections import Table, tables_of
from bench.stats.intervals import Array
from bench.stats.paired import NOTHING, Paired, Shared, paired


@dataclass(frozen=True, eq=False)
class Course:
    """One fusion over the versions.

    Attributes:
        counts: (versions,) repetitions that finished. mean, half_width: (versions,) over them, nan where there is none.
        leaves_out_draw: (versions,) whether seeds share test pairs whose draw is not in ``half_width``.
        change: from the version before to the last one that has it, over the repetitions of both; None where one alone
            does.
    """

    group: Group
    role: Role
    counts: Sequence[int]
    mean: Array
    half_width: Array
    leaves_out_draw: Sequence[bool]
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
        versions: those with a value here, the oldest first. names: of these, as columns and axes call them.
    """

    table: Table
    backbone: str
    metric: str
    versions: Sequence[Run]
    names: Sequence[str]
    courses: Sequence[Course]

    @property
    def title(self) -> str:
        """Heading, different for every history."""
        return f"{self.table.title} · {self.backbone}"

    @property
    def with_interval(self) -> list[str]:
        """Names of the versions of which a mean has an interval."""
        ends = [course.half_width for course in self.courses]
        return [name for at, name in enumerate(self.names) if not all(math.isnan(own[at]) for own in ends)]

    @property
    def without_draw(self) -> list[str]:
        """Names of the versions of which an interval leaves out the draw of test pairs that all seeds share."""
        return [name for at, name in enumerate(self.names) if any(one.leaves_out_draw[at] for one in self.courses)]


def names_of(versions: Sequence[Run]) -> list[str]:
    """What tells versions apart: the name of the folder; where several have it, the path below the last folder that all
    of these lie in."""
    paths = [version.folder.resolve() for version in versions]
    alike = {path.name: [one for one in paths if one.name == path.name] for path in paths}
    return [
        path.name if len(set(alike[path.name])) == 1 else os.path.relpath(path, _above(alike[path.name]))
        for path in paths
    ]


def _above(paths: Sequence[Path]) -> str:
    return os.path.commonpath([path.parent for path in paths])


def histories_of(versions: Sequence[Run], metric: str, chosen: Collection[Group]) -> list[History]:
    """One for each table and backbone, on the domain trained on.

    Args:
        versions: the oldest first. chosen: the groups to show.
    """
    found, names = [_entries(one, chosen) for one in versions], names_of(versions)
    groups = sorted({group for entries in found for group in entries})
    pairs = {group: entry.train_pairs for entries in found for group, entry in entries.items()}
    histories = []
    for table, members in tables_of(groups, lambda group: group, pairs.get):
        for backbone in sorted({group.backbone for group in members}):
            own = [group for group in members if group.backbone == backbone]
            shown = [at for at, entries in enumerate(found) if any(_has(entries, group, metric) for group in own)]
            courses = [_course(group, [found[at] for at in shown], metric) for group in own]
            kept = [course for course in courses if not math.isnan(course.newest)]
            sign = METRICS.get(metric).direction or 1
            kept.sort(key=lambda course: (course.role != "fusion", -sign * course.newest, course.group.fusion))
            if kept:
                own_versions, own_names = [versions[at] for at in shown], [names[at] for at in shown]
                histories.append(History(table, backbone, metric, own_versions, own_names, kept))
    return histories


def _entries(version: Run, chosen: Collection[Group]) -> dict[Group, Entry]:
    """The chosen entries of a version by their groups, on the domain trained on alone."""
    cells = (cell for cell in pool([version]).cells if cell.group in chosen)
    at_home = [
        replace(cell, eval={name: cell.eval[name] for name in cell.eval if name == cell.domain}) for cell in cells
    ]
    return {entry.group: entry for entry in entries_of(at_home, StoredScores([version]))}


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
        [entry is not None and _leaves_out_draw(entry, metric) for entry in own],
        _change(known[-2], known[-1], metric) if len(known) > 1 else None,
    )


def _leaves_out_draw(entry: Entry, metric: str) -> bool:
    domain = entry.group.domain
    if entry.group.repeats == "replicate" or math.isnan(entry.half_width(domain, metric)):
        return False
    return not entry.scores.know([cell for cell in entry.finished if domain in cell.eval], domain, metric)


def _change(before: Entry, after: Entry, metric: str) -> Paired | None:
    old, new = _by_number(before, metric), _by_number(after, metric)
    shared = sorted(old.keys() & new.keys())
    if not shared:
        return None
    differences = np.array([new[number] - old[number] for number in shared])
    if not differences.any():
        # The same code gives the same numbers: that is no chance.
        return paired(differences)
    step = step_of([*before.finished, *after.finished], after.group.domain, metric)
    return paired(differences, shared=replace(_drawn(before, after, metric, shared), step=step))


def _drawn(before: Entry, after: Entry, metric: str, shared: Sequence[int]) -> Shared:
    """What the draw of test pairs adds to a change over the repetitions of these numbers."""
    domain = after.group.domain
    old, new = ([cell for cell in one.finished if cell.seed in shared] for one in (before, after))
    if facts_of(old, domain)[2:] == facts_of(new, domain)[2:]:
        return after.scores.of_change(new, before.scores, old, domain, metric)
    apart = [one.scores.of_means(cells, domain).get(metric) for one, cells in ((before, old), (after, new))]
    known = [one for one in apart if one]
    if len(known) < len(apart):
        return NOTHING
    return Shared(sum(one.variance for one in known), min(one.freedom for one in known))


def _by_number(entry: Entry, metric: str) -> dict[int, float]:
    """Values by the number of the repetition."""
    values = entry.runs(entry.group.domain, metric).tolist()
    cells = zip(entry.finished, values, strict=True)
    return {cell.seed: value for cell, value in cells if not math.isnan(value)}
