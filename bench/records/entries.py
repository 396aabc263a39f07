"""Entries: the cells of one fusion x backbone x domain under one recipe, summarised over seeds."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics import metric_names, metric_position
from bench.records.columns import RATE_FIELDS
from bench.records.facts import Tested
from bench.records.machine import Machine
from bench.records.record import Group, Record, Role
from bench.records.scores import NO_SCORES, StoredScores
from bench.stats.intervals import Estimates, estimate

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Entry:
    """One row of a table. Each is equal to itself alone, so that what is said of it can be kept.

    Attributes:
        cells: one per seed, sorted by seed.
        quality: by evaluated domain, over the seeds that finished; quantities in the order of ``metric_names()``.
        scores: of the pairs that seeds share, where they are stored.
    """

    group: Group
    cells: tuple[Record, ...]
    quality: Mapping[str, Estimates]
    scores: StoredScores = field(default=NO_SCORES, repr=False)
    _facts: dict[str, Sequence[Sequence[Any]]] = field(default_factory=dict, init=False, repr=False)
    _runs: dict[tuple[str, str], Array] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def finished(self) -> tuple[Record, ...]:
        """Cells with a result."""
        return tuple(cell for cell in self.cells if cell.status == "ok")

    @cached_property
    def failed(self) -> tuple[Record, ...]:
        """Cells that were tried and have no result."""
        return tuple(cell for cell in self.cells if cell.status not in ("ok", "not_applicable"))

    @property
    def train_pairs(self) -> int | None:
        """Of its recipe; the lower middle one where the cells differ, None where none tells."""
        told = [cell.recipe["train_pairs"] for cell in self.cells if "train_pairs" in cell.recipe]
        return statistics.median_low(told) if told else None

    @cached_property
    def machines(self) -> frozenset[Machine | None]:
        """Those that the cells with a result ran on; None is one that is not known."""
        return frozenset(cell.machine for cell in self.finished)

    @property
    def reason(self) -> str:
        """Why the combination is not applicable, or nothing."""
        reasons = {cell.message or "no reason given" for cell in self.cells if cell.status == "not_applicable"}
        return "; ".join(sorted(reasons))

    @cached_property
    def role(self) -> Role:
        """A ``fusion`` is compared, a ``reference`` knows more than a fusion may, a ``control`` must stay at chance."""
        return next((cell.role for cell in self.cells if cell.role), "fusion")

    @cached_property
    def knows(self) -> str:
        """What it knows that a fusion must not know; empty where no record tells."""
        return next((cell.knows for cell in self.cells if cell.knows), "")

    @cached_property
    def family(self) -> str:
        """Family of the fusion; empty where no record tells."""
        return next((cell.family for cell in self.cells if cell.family), "")

    @cached_property
    def uncounted(self) -> tuple[str, ...]:
        """Operators that the MACs leave out."""
        return tuple(sorted({name for cell in self.finished for name in cell.cost.get("uncounted", ())}))

    def runs(self, domain: str, metric: str) -> Array:
        """A metric of each cell of ``finished`` on a domain, (cells,); nan where it has none."""
        if (domain, metric) not in self._runs:
            place = metric_position(metric)
            values = [cell.eval[domain].values[place] if domain in cell.eval else None for cell in self.finished]
            self._runs[domain, metric] = np.array(values, dtype=float)
        return self._runs[domain, metric]

    def facts(self, domain: str) -> Sequence[Sequence[Any]]:
        """The different values of each of :func:`facts_of` among the runs that finished."""
        if domain not in self._facts:
            self._facts[domain] = [_different(values) for values in facts_of(self.finished, domain)]
        return self._facts[domain]

    def tested(self, domain: str) -> list[Tested]:
        """Results on a domain, one per seed that was tested on it."""
        return [cell.eval[domain] for cell in self.finished if domain in cell.eval]

    def mean(self, domain: str, metric: str) -> float:
        """Mean of a metric over seeds; nan where there is none."""
        return self._read(domain, metric, "mean")

    def half_width(self, domain: str, metric: str) -> float:
        """Half width of the interval of that mean; nan with fewer than two seeds."""
        return self._read(domain, metric, "half_width")

    def cost(self, field: str) -> float | None:
        """A cost over the seeds that finished: the median of a rate, a value that occurred for a count.

        There is no rate of seeds that ran on more than one machine, or on one that is not known.
        """
        if field in RATE_FIELDS and not is_one_machine(self.machines):
            return None
        values = [value for cell in self.finished if (value := cell.cost_of(field)) is not None]
        if not values:
            return None
        return statistics.median(values) if field in RATE_FIELDS else statistics.median_low(values)

    def seeds_at_chance(self) -> int:
        """Seeds whose accuracy on the domain trained on is no further from 0.5 than two standard errors of a coin."""
        domain, position = self.group.domain, metric_position("accuracy")
        found = [(tested.values[position], tested.pairs) for tested in self.tested(domain)]
        return sum(value is not None and abs(value - 0.5) < 2 * chance_error(pairs) for value, pairs in found)

    def is_at_chance(self) -> bool:
        """Whether the *mean* accuracy on the domain trained on is no further from 0.5 than that."""
        domain = self.group.domain
        pairs = [tested.pairs for tested in self.tested(domain)]
        return bool(pairs) and abs(self.mean(domain, "accuracy") - 0.5) < 2 * chance_error(min(pairs))

    def ranks_pairs(self) -> bool:
        """Whether the AUC is far from chance (by four standard errors of random scores), whatever the accuracy."""
        domain = self.group.domain
        pairs = [tested.pairs for tested in self.tested(domain)]
        # Variance of the AUC of random scores with n/2 pairs of each class: (n + 1) / (3 n^2).
        return bool(pairs) and self.mean(domain, "auc") - 0.5 > 4 * math.sqrt(1 / (3 * min(pairs)))

    def is_off_threshold(self) -> bool:
        """Whether validation would choose a threshold with which more of the pairs of the domain trained on are told
        right than at 0, by more than two standard errors of a coin."""
        domain = self.group.domain
        pairs = [tested.pairs for tested in self.tested(domain)]
        gain = self.mean(domain, "accuracy_tuned") - self.mean(domain, "accuracy")
        return bool(pairs) and gain > 2 * chance_error(min(pairs))

    def _read(self, domain: str, metric: str, what: str) -> float:
        quality = self.quality.get(domain)
        return math.nan if quality is None else float(getattr(quality, what)[metric_position(metric)])


def facts_of(cells: Sequence[Record], domain: str) -> tuple[list[Any], ...]:
    """What may tell runs apart that were tested on ``domain``, a list for each fact; None where a run does not tell.

    Where training started is known by its quality: two runs of one warm-up agree in it to the last digit only on one
    machine.
    """
    return (
        [cell.warmup.get("quality") for cell in cells],
        [cell.data.get(cell.group.domain) for cell in cells],
        [cell.data.get(domain) for cell in cells],
        [cell.eval[domain].pairs if domain in cell.eval else None for cell in cells],
    )


def is_one_machine(machines: Set[Machine | None]) -> bool:
    """Whether rates measured on ``machines`` may be pooled and compared: there is one, and it is known which."""
    return len(machines) == 1 and None not in machines


def _different(values: Sequence[Any]) -> list[Any]:
    """Each value once; those of a record need not be hashable."""
    return [value for place, value in enumerate(values) if value not in values[:place]]


def chance_error(pairs: int) -> float:
    """Standard error of the accuracy of a coin over ``pairs`` pairs."""
    return math.sqrt(0.25 / pairs)


def entries_of(cells: Sequence[Record], scores: StoredScores = NO_SCORES) -> tuple[Entry, ...]:
    """Group ``cells``, which are sorted by group and seed, into entries.

    Args:
        scores: tell what the test pairs that seeds share add to the intervals of means.
    """
    grouped = [(group, tuple(own)) for group, own in groupby(cells, key=lambda cell: cell.group)]
    tested = [_by_domain(own) for _, own in grouped]
    asked = ((own, domain) for by_domain in tested for domain, own in by_domain.items())
    found = iter(_qualities(list(asked), scores))
    # Each entry takes as many of what was found as it has domains.
    return tuple(
        Entry(group, own, dict(zip(by_domain, found, strict=False)), scores)
        for (group, own), by_domain in zip(grouped, tested, strict=True)
    )


def _by_domain(cells: Iterable[Record]) -> dict[str, list[Record]]:
    """The cells with a result on each evaluated domain, sorted by domain."""
    tested: dict[str, list[Record]] = {}
    for cell in cells:
        for domain in cell.eval if cell.status == "ok" else ():
            tested.setdefault(domain, []).append(cell)
    return dict(sorted(tested.items()))


def _qualities(asked: Sequence[tuple[Sequence[Record], str]], scores: StoredScores) -> list[Estimates]:
    """What each group of cells reaches on the domain beside it, all computed at once."""
    metrics = metric_names()
    values = np.full((max((len(cells) for cells, _ in asked), default=0), len(asked), len(metrics)), np.nan)
    variance, freedom = np.zeros(values.shape[1:]), np.full(values.shape[1:], np.inf)
    for place, (cells, domain) in enumerate(asked):
        values[: len(cells), place] = np.array([cell.eval[domain].values for cell in cells], dtype=float)
        known = scores.of_means(cells, domain) if len(cells) > 1 else {}
        for metric, shared in known.items():
            position = metric_position(metric)
            variance[place, position], freedom[place, position] = shared.variance, shared.freedom
    return estimate(values, variance, freedom).each()


def counted(texts: Sequence[str]) -> str:
    """Texts with how often each occurs, such as ``2 x diverged, timeout``; sorted."""
    return ", ".join(f"{n} x {text}" if n > 1 else text for text, n in sorted(Counter(texts).items()))
