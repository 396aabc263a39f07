"""Boards: the lines of a leaderboard that may stand in one picture, from its CSV file or from records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from bench.errors import UsageError
from bench.records import leaderboard
from bench.records.columns import COSTS, HIGHER, METRICS, Cost
from bench.records.entries import Entry
from bench.records.record import ROLES

TABLE = ["domain", "protocol", "warmup", "warmup_seed"]
TEXTS: tuple[str, ...] = ("fusion", "family", "backbone", "domain", "eval_domain", "protocol", "warmup", "recipe_id")
TEXTS += (
    "seeds",
    "failures",
    "not_applicable",
    "uncounted",
    "warmup_measure",
    "accuracy_by_seed",
    "symmetric",
    "machines",
)
NO_SEED = -1


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
        return lines.sort_values([f"{metric}_mean", "fusion"], ascending=[METRICS[metric] < HIGHER, True])


def read_board(path: Path) -> pd.DataFrame:
    """The lines of a ``leaderboard.csv``.

    Raises:
        UsageError: it cannot be read, lacks a column, or has another schema.
    """
    text = dict.fromkeys((*TEXTS, "schema"), str)
    try:
        lines = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, pd.errors.ParserError) as error:
        raise UsageError(f"{path}: not a leaderboard.csv ({str(error).splitlines()[0]})") from None
    if "schema" not in lines:
        raise UsageError(f"{path}: no column 'schema'; expected a leaderboard.csv as bench report writes it")
    leaderboard.check_schemas(lines["schema"].fillna(""), str(path))
    missing = [name for name in leaderboard.COLUMNS if name not in (*lines.columns, *leaderboard.ADDED)]
    if missing:
        raise UsageError(f"{path}: no column {missing[0]!r}; see docs/leaderboard.md")
    return _complete(lines, f"{path}: ")


def lines_of(entries: Iterable[Entry]) -> pd.DataFrame:
    """The lines of the leaderboard that ``bench report`` writes for ``entries``."""
    return _complete(pd.DataFrame(leaderboard.rows(entries), columns=list(leaderboard.COLUMNS)))


def boards_of(lines: pd.DataFrame) -> list[Board]:
    """Split lines into boards, as ``bench.records.sections`` splits entries into tables."""
    tables = [(key, part) for key, part in lines.groupby(TABLE)]
    seeds: dict[Any, int] = {}
    for (domain, protocol, warmup, _), _ in tables:
        seeds[domain, protocol, warmup] = seeds.get((domain, protocol, warmup), 0) + 1
    boards = []
    for (domain, protocol, warmup, seed), part in tables:
        start = "no warm-up" if warmup == "none" else f"warm-up {warmup}"
        start += f" (seed {seed:.0f})" if seeds[domain, protocol, warmup] > 1 else ""
        title = f"Trained on {domain} · {protocol} · {start}"
        recipes = _by_recipe(part)
        boards += [
            Board(title if len(recipes) == 1 else f"{title} · recipe {recipe}", own) for recipe, own in recipes.items()
        ]
    return boards


def choose_lines(lines: pd.DataFrame, column: str, names: Sequence[str]) -> pd.DataFrame:
    """The lines with one of ``names`` in ``column``; all where there are none."""
    return lines[lines[column].isin(names)] if names else lines


def _complete(lines: pd.DataFrame, where: str = "") -> pd.DataFrame:
    """Numbers as numbers, texts without gaps, and the role of each line."""
    if lines.empty:
        raise UsageError(f"{where}no lines here")
    lines = lines.reindex(columns=list(leaderboard.COLUMNS))
    numbers = [name for name in lines.columns if name not in TEXTS]
    try:
        lines[numbers] = lines[numbers].apply(pd.to_numeric)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{where}a number was expected ({error})") from None
    for name in TEXTS:
        # A column that is empty in all lines is one of numbers, which cannot be filled with text.
        lines[name] = lines[name].astype(object).fillna("").astype(str)
    lines["warmup_seed"] = lines["warmup_seed"].fillna(NO_SEED)
    lines["role"] = [ROLES.get(family, "fusion") for family in lines["family"]]
    return lines


def _by_recipe(part: pd.DataFrame) -> dict[str, pd.DataFrame]:
    recipes = sorted(part["recipe_id"].unique())
    if len(recipes) > 1 and (part.groupby("backbone")["recipe_id"].nunique() == 1).all():
        return {"": part}
    return {recipe: part[part["recipe_id"] == recipe] for recipe in recipes}
