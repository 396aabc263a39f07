"""The trained models that runs have kept, as ``bench list models`` tells them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bench.errors import LONGEST_NAME, UsageError
from bench.models.card import Card
from bench.models.files import CARD, WEIGHTS, read_card
from bench.text import MISSING, human, printable, without_home

COLUMNS = ("model", "fusion", "backbone", "domain", "seed", "accuracy", "AUC", "params", "MB", "date")
SHOWN = ("accuracy", "auc")


def models_in(folder: Path) -> tuple[list[tuple[str, ...]], list[str]]:
    """A row of ``COLUMNS`` for each stored model below a folder, sorted by path; and what is wrong with the others.

    Raises:
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"{without_home(printable(str(folder), LONGEST_NAME))}: no such folder")
    rows, damaged = [], []
    for weights in sorted(folder.rglob(f"*{WEIGHTS}")):
        if not weights.with_suffix(CARD).is_file():
            continue
        try:
            rows.append(_row(weights, read_card(weights)))
        except UsageError as error:
            damaged.append(str(error))
    return rows, damaged


def _row(weights: Path, card: Card) -> tuple[str, ...]:
    cell, state = card.cell, weights.stat()
    values = [card.own_test.get(name) for name in SHOWN]
    date = datetime.fromtimestamp(state.st_mtime).strftime("%Y-%m-%d %H:%M")
    told = (str(weights.with_suffix("")), cell.fusion, cell.backbone, card.domain, str(cell.seed))
    metrics = tuple(MISSING if value is None else f"{100 * value:.1f}" for value in values)
    size = f"{state.st_size / 10**6:.1f}"
    return tuple(map(printable, (*told, *metrics, human(card.parameters), size, date)))
