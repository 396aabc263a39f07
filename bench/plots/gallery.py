"""The pictures of some kinds, by the names of their files."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.atomic import write_bytes_atomically
from bench.errors import UsageError
from bench.lettering import names_as_they_are
from bench.plots.contract import NothingToDrawError, Plot, Source
from bench.plots.style import AS_DESIGNED, Look, looking

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST_NAME = 150  # file systems take 255 bytes, of which a repeated name and a suffix need some
FORMATS = ("png", "svg", "pdf")
# Text stays text, which can be searched and edited; the same picture is the same file.
WRITTEN: Any = {"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "fusebench"}
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def draw(
    plots: Iterable[Plot], source: Source, metric: str, fusions: Sequence[str] = (), look: Look = AS_DESIGNED
) -> tuple[dict[str, Figure], list[str]]:
    """Draw kinds of pictures.

    Args:
        fusions: those to draw where there is no room for all; the best ones where empty.

    Returns:
        Figures by the name of their file, without a suffix, and why others cannot be drawn, as where a file of scores
        is damaged.
    """
    drawn: dict[str, Figure] = {}
    missing = []
    for plot in plots:
        if plot.needs == "records" and not source.runs:
            missing.append(f"{plot.name}: a leaderboard.csv does not hold them; give the run folder")
            continue
        for title, figure in plot.jobs(source, metric, fusions):
            try:
                with names_as_they_are(), looking(look):
                    drawn[_file_name(plot, title, drawn)] = figure()
            except (NothingToDrawError, UsageError) as reason:
                missing.append(f"{plot.name}: {reason}")
    return drawn, missing


def save(figure: Figure, file: Path) -> None:
    """Write a picture in one step, in the format that the suffix of ``file`` names; a missing folder is made.

    Raises:
        StorageError: it cannot be written.
    """
    from matplotlib import rc_context

    content, kind = io.BytesIO(), file.suffix.removeprefix(".").lower()
    with rc_context(WRITTEN):
        figure.savefig(content, format=kind, metadata=UNDATED.get(kind))
    write_bytes_atomically(file, content.getvalue())


def _file_name(plot: Plot, title: str, taken: Collection[str]) -> str:
    text = f"{plot.name} {title.removeprefix('Trained on ')}"
    name = re.sub(r"[^a-z0-9_.]+", "-", text.lower())[:LONGEST_NAME].strip("-")
    while name in taken:
        name += "-2"
    return name
