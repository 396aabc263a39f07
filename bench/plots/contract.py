"""Contract of a kind of picture: from the lines of a leaderboard, or from records, to figures."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from bench.plots.board import Board, boards_of
from bench.records import leaderboard
from bench.records.entries import Entry, entries_of
from bench.records.load import Run, load_runs, pool
from bench.records.margins import margin_of
from bench.records.record import ROLES
from bench.records.scores import StoredScores
from bench.records.sections import Section, sections_of
from bench.registry import Registry, states

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Needs = Literal["lines", "records"]
# The title of a picture, and what draws it.
Job = tuple[str, Callable[[], "Figure"]]


class NothingToDrawError(Exception):
    """The data of a picture are not there; the message says which ones, in one line."""


@dataclass(frozen=True)
class Source:
    """What pictures are made of: the rows of a leaderboard, and the runs behind it where there are any."""

    rows: Sequence[leaderboard.Row]
    runs: Sequence[Run] = ()
    entries: Sequence[Entry] = ()

    @classmethod
    def read(cls, paths: Sequence[Path], metric: str = "accuracy") -> Source:
        """Read one ``leaderboard.csv``, or run folders together, of which tie groups are by ``metric``.

        Raises:
            UsageError: nothing can be read there.
        """
        if len(paths) == 1 and paths[0].suffix == ".csv":
            return cls(leaderboard.read_rows(paths[0]))
        return cls.of(load_runs(paths), metric)

    @classmethod
    def of(cls, runs: Sequence[Run], metric: str = "accuracy") -> Source:
        """Runs together, with tie groups by ``metric``."""
        entries = entries_of(pool(runs).cells, StoredScores(runs))
        return cls(leaderboard.rows(entries, metric), runs, entries)

    def chosen(self, domains: Sequence[str], fusions: Sequence[str]) -> Source:
        """The part trained on ``domains`` and with ``fusions``, beside references and controls; all for empty ones."""

        def is_chosen(domain: str, fusion: str, family: str) -> bool:
            return (not domains or domain in domains) and (not fusions or fusion in fusions or family in ROLES)

        rows = [row for row in self.rows if is_chosen(row["domain"], row["fusion"], row["family"])]
        entries = [one for one in self.entries if is_chosen(one.group.domain, one.group.fusion, one.family)]
        return Source(rows, self.runs, entries)

    @cached_property
    def margin(self) -> float:
        """The difference of no interest that the runs declare, as a share.

        Raises:
            UsageError: they declare different ones.
        """
        return margin_of((run.header for run in self.runs), "equivalence_margin")

    @cached_property
    def boards(self) -> tuple[Board, ...]:
        """The lines of each table."""
        return tuple(boards_of(self.rows))

    @cached_property
    def boards_by_backbone(self) -> tuple[Board, ...]:
        """The lines of each backbone of each table."""
        return tuple(board.of(name) for board in self.boards for name in board.backbones)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The entries of each table, in the order of ``boards``; of records only."""
        return sections_of(self.entries)

    @cached_property
    def sections_by_backbone(self) -> tuple[Section, ...]:
        """The entries of each backbone of each table; of records only."""
        return tuple(section.of(name) for section in self.sections for name in section.backbones)


class Plot(ABC):
    """A kind of picture; the first line of the docstring of a subclass says what it shows.

    Constructor parameters need a type and a default, and can then be set as ``--kind scores:bins=20``; one with a value
    that makes no sense raises ``UsageError``.

    Attributes:
        name: its name after ``--kind``.
        needs: ``lines`` where a ``leaderboard.csv`` is enough, or ``records``.
    """

    name: ClassVar[str]
    needs: ClassVar[Needs] = "lines"

    @abstractmethod
    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        """Title and drawing of each picture; a drawing whose data are not there raises :class:`NothingToDrawError`.

        Args:
            source: what was chosen.
            metric: one of ``METRICS``.
            fusions: those to draw where there is no room for all; the best ones where empty.
        """


def _check(cls: type[Plot]) -> None:
    states("plot", "name")(cls)
    if inspect.isabstract(cls):
        raise TypeError(f"plot {cls.__name__} does not define jobs()")
    if cls.needs not in get_args(Needs):
        raise TypeError(f"plot {cls.__name__}: needs must be one of {', '.join(get_args(Needs))}")


BUILT_IN = (
    "forest",
    "verdicts",
    "profiles",
    "pareto",
    "bars",
    "heatmap",
    "ranks",
    "shifts",
    "curves",
    "gradients",
    "sample_efficiency",
    "scores",
    "psychometric",
    "history",
)
PLOTS: Registry[Plot] = Registry("plot", _check, [f"bench.plots.{kind}" for kind in BUILT_IN])
register_plot = PLOTS.register
