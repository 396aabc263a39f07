"""Boards: the lines of a leaderboard that may stand in one picture, as a data frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import pandas as pd

from bench.metrics import HIGHER, METRICS
from bench.records.columns import COSTS, Cost
from bench.records.leaderboard import TEXTS, Row, columns, group_of
from bench.records.record import ROLES, Repeats
from bench.records.sections import tables_of


@dataclass(frozen=True)
class Board:
    """The lines of one table: only fusion, backbone and evaluated domain differ.

    Attributes:
        title: heading, different for every board.
        lines: with the columns of ``leaderboard.csv`` and ``role`` (fusion, reference or control).
    """

    title: str
    lines: pd.DataFrame

    @property
    def domain(self) -> str:
        """The domain trained on."""
        return str(self.lines["domain"].iloc[0])

    @property
    def repeats(self) -> Repeats:
        """What the lines are means over."""
        return cast("Repeats", self.lines["repeats"].iloc[0])

    @property
    def backbones(self) -> list[str]:
        """Names of the backbones, sorted."""
        return sorted(self.lines["backbone"].unique())

    @property
    def others(self) -> list[str]:
        """Domains tested on besides the one trained on, sorted."""
        return sorted(set(self.lines["eval_domain"]) - {self.domain})

    @cached_property
    def own(self) -> pd.DataFrame:
        """The lines tested on the domain trained on that have a result."""
        lines = self.lines
        return lines[(lines["eval_domain"] == lines["domain"]) & (lines["n_seeds"] > 0)]

    @property
    def has_rates(self) -> bool:
        """Whether pairs/s may stand in one picture: all lines with a result name the same machine, or none does."""
        return self.own["machines"].nunique() <= 1

    def costs(self, names: Iterable[str]) -> list[Cost]:
        """The costs among ``names`` that this board has values of and that may stand in one picture."""
        known = [COSTS[name] for name in names if self.own[COSTS[name].field].gt(0).any()]
        return [cost for cost in known if self.has_rates or not cost.is_rate]

    def of(self, backbone: str) -> Board:
        """The part of a single backbone."""
        return Board(f"{self.title} · {backbone}", self.lines[self.lines["backbone"] == backbone])

    def ranked(self, role: str, metric: str) -> pd.DataFrame:
        """Lines of a role on the domain trained on that have a value of ``metric``, best first."""
        lines = self.own[(self.own["role"] == role) & self.own[f"{metric}_mean"].notna()]
        return lines.sort_values([f"{metric}_mean", "fusion"], ascending=[METRICS.get(metric).direction < HIGHER, True])


def boards_of(rows: Iterable[Row]) -> list[Board]:
    """Split rows of a leaderboard into boards, as entries are split into sections."""
    return [Board(table.title, lines_of(own)) for table, own in tables_of(rows, group_of, pairs_of)]


def pairs_of(row: Row) -> int | None:
    """Training pairs of a row, where they are known."""
    return None if row["train_pairs"] is None else int(row["train_pairs"])


def lines_of(rows: Sequence[Row]) -> pd.DataFrame:
    """Rows of a leaderboard as a data frame: numbers as numbers, texts without gaps, and the role of each line."""
    names = columns()
    lines = pd.DataFrame(rows, columns=list(names))
    texts = [name for name in names if name in TEXTS]
    numbers = [name for name in names if name not in TEXTS]
    # A column that is empty in all lines is one of objects otherwise.
    parts = [lines[numbers].apply(pd.to_numeric), lines[texts].astype(object).fillna("")]
    role = pd.Series([ROLES.get(family, "fusion") for family in parts[1]["family"]], lines.index, name="role")
    return pd.concat([*parts, role], axis=1)[[*names, "role"]]
