"""The pages of single cells: which rows of a table have them, and the records that they show, packed."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.metrics import metric_position
from bench.records.entries import Entry
from bench.records.folder import RunFolder
from bench.records.lines import latest_lines
from bench.records.load import Run, in_order
from bench.records.record import Record
from bench.records.sections import Section
from bench.report.page.tables import ordered

# Of a whole page, and the first line of each table; a record takes about 1 kB.
MOST_CELLS = 500


@dataclass(frozen=True)
class CellLinks:
    """The scores of single cells, a row for each line of the leaderboard in its order.

    Attributes:
        seeds: of the columns. rows: name, then text and key of each cell; the key is empty where there is none.
        lines: how many the leaderboard has.
    """

    seeds: Sequence[int]
    rows: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    lines: int

    @property
    def keys(self) -> list[str]:
        """Of all cells, in the order shown."""
        return [key for _, cells in self.rows for _, key in cells if key]


def cell_links(section: Section, metric: str, most: int) -> CellLinks:
    """The best lines of a section until they have ``most`` cells; the first one is always shown."""
    entries = ordered(section, metric)
    shown: list[Entry] = []
    for entry in entries:
        if shown and sum(len(one.cells) for one in [*shown, entry]) > most:
            break
        shown.append(entry)
    seeds = sorted({cell.seed for entry in shown for cell in entry.cells})
    rows = []
    for entry in shown:
        own = {cell.seed: (_text(cell, section.domain, metric), cell.key) for cell in entry.cells}
        backbone = f" × {entry.group.backbone}" if len(section.backbones) > 1 else ""
        rows.append((f"{entry.group.fusion}{backbone}", [own.get(seed, ("", "")) for seed in seeds]))
    return CellLinks(seeds, rows, len(entries))


def _text(cell: Record, domain: str, metric: str) -> str:
    # One that collapsed was tested, too, and counts nowhere.
    tested = cell.eval.get(domain) if cell.status == "ok" else None
    value = tested.values[metric_position(metric)] if tested else None
    return cell.status.replace("_", " ") if value is None else f"{value:.3f}"


def packed(runs: Sequence[Run], keys: Collection[str]) -> str:
    """The records of ``keys`` as they were written, in base64 of zlib's format.

    Unpacked, each is a line; the first line says, as JSON, which one a key has, and the command that it is of.
    """
    wanted: dict[Path, dict[str, Record]] = defaultdict(dict)
    for run, cell in {cell.key: (run, cell) for run, cell in in_order(runs)}.values():
        if cell.key in keys:
            wanted[run.folder][cell.key] = cell
    sessions = {run.folder: run.sessions for run in runs}
    index: dict[str, tuple[int, str]] = {}
    lines: list[bytes] = []
    for folder, own in sorted(wanted.items()):
        for key, line in latest_lines(RunFolder(folder).records_file, own).items():
            lines.append(line.strip())
            index[key] = (len(lines), sessions[folder].of(own[key].finished).command)
    text = b"\n".join([json.dumps(index).encode(), *lines])
    return b64encode(zlib.compress(text, 9)).decode("ascii")
