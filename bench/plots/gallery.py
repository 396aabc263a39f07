"""The pictures that can be drawn of a leaderboard or of runs: which kinds there are, and what each needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from bench.plots.bars import draw_bars
from bench.plots.board import Board, boards_of, choose_lines, lines_of, read_board
from bench.plots.heatmap import draw_heatmap
from bench.plots.learning import draw_learning, learned
from bench.plots.pareto import draw_pareto
from bench.plots.ranks import draw_ranks
from bench.plots.sample_efficiency import draw_sample_efficiency, sizes_of
from bench.plots.scores import draw_scores, score_files
from bench.plots.slopes import draw_slopes
from bench.plots.style import NothingToDrawError
from bench.records.entries import Entry, entries_of
from bench.records.learning import learning_of
from bench.records.load import Run, load_runs, pool
from bench.records.sections import Section, sections_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[[Board, str], "Figure"]
BY_TABLE: Mapping[str, Draw] = MappingProxyType({"pareto": draw_pareto, "heatmap": draw_heatmap})
BY_BACKBONE: Mapping[str, Draw] = MappingProxyType({"bars": draw_bars, "ranks": draw_ranks, "shifts": draw_slopes})
FROM_RECORDS = ("curves", "sample-efficiency", "scores")
KINDS = ("pareto", "bars", "heatmap", "ranks", "shifts", *FROM_RECORDS)


@dataclass(frozen=True)
class Source:
    """What pictures are made of: the lines of a leaderboard, and the runs behind it where there are any."""

    lines: pd.DataFrame
    runs: Sequence[Run] = ()
    entries: tuple[Entry, ...] = field(default=())

    @classmethod
    def read(cls, paths: Sequence[Path]) -> Source:
        """Read one ``leaderboard.csv``, or run folders together.

        Raises:
            UsageError: nothing can be read there.
        """
        if len(paths) == 1 and paths[0].suffix == ".csv":
            return cls(read_board(paths[0]))
        return cls.of(load_runs(paths))

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Source:
        """Runs together."""
        entries = entries_of(pool(runs).cells)
        return cls(lines_of(entries), runs, entries)

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections of the records, each with a single backbone."""
        return tuple(section.of(name) for section in sections_of(self.entries) for name in section.backbones)

    def chosen(self, domains: Sequence[str], fusions: Sequence[str]) -> Source:
        """The part trained on ``domains`` and with ``fusions``, beside references and controls; all for empty ones."""
        lines = choose_lines(self.lines, "domain", domains)
        if fusions:
            lines = lines[lines["fusion"].isin(fusions) | (lines["role"] != "fusion")]
        kept = [
            entry
            for entry in self.entries
            if (not domains or entry.group.domain in domains)
            and (not fusions or entry.group.fusion in fusions or entry.role != "fusion")
        ]
        return Source(lines, self.runs, tuple(kept))


@dataclass(frozen=True)
class Picture:
    """A picture and the name of its file, without a suffix; or in ``missing`` why it cannot be drawn."""

    name: str
    figure: Figure | None
    missing: str = ""


def pictures(source: Source, kind: str, metric: str, fusions: Sequence[str] = ()) -> Iterator[Picture]:
    """Draw a kind of picture for every table, or for every backbone of every table.

    Args:
        fusions: those to draw where there is no room for all; the best ones where empty.
    """
    if kind in FROM_RECORDS and not source.runs:
        yield Picture(kind, None, f"{kind}: a leaderboard.csv does not hold them; give the run folder")
        return
    names: set[str] = set()
    for title, draw in _jobs(source, kind, metric, fusions):
        try:
            figure = draw()
        except NothingToDrawError as missing:
            yield Picture(kind, None, f"{kind}: {missing}")
            continue
        name = _slug(f"{kind} {title.removeprefix('Trained on ')}")
        while name in names:
            name += "-2"
        names.add(name)
        yield Picture(name, figure)


def _jobs(source: Source, kind: str, metric: str, fusions: Sequence[str]) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Title and drawing of each picture of a kind."""
    if kind == "sample-efficiency":
        for title, sizes in sizes_of(source.sections).items():
            yield title, partial(draw_sample_efficiency, title, sizes, metric, fusions)
        return
    if kind in FROM_RECORDS:
        files = score_files(source.runs) if kind == "scores" else {}
        drawn = [entry for section in source.sections for entry in learned(section, metric, fusions)]
        curves = learning_of(source.runs, drawn) if kind == "curves" else {}
        for section in source.sections:
            title = f"{section.title} · {section.backbones[0]}"
            if kind == "curves":
                yield title, partial(draw_learning, section, curves, metric, fusions)
            else:
                yield title, partial(draw_scores, section, files, fusions)
        return
    for board in boards_of(source.lines):
        if kind in BY_TABLE:
            yield board.title, partial(BY_TABLE[kind], board, metric)
        else:
            for backbone in board.backbones:
                part = board.of(backbone)
                yield part.title, partial(BY_BACKBONE[kind], part, metric)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_.]+", "-", text.lower()).strip("-")
