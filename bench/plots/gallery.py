"""The pictures of some kinds, by the names of their files."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from bench.plots.contract import NothingToDrawError, Plot, Source

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST_NAME = 150  # file systems take 255 bytes, of which a repeated name and a suffix need some


def draw(
    plots: Iterable[Plot], source: Source, metric: str, fusions: Sequence[str] = ()
) -> tuple[dict[str, Figure], list[str]]:
    """Draw kinds of pictures.

    Args:
        fusions: those to draw where there is no room for all; the best ones where empty.

    Returns:
        Figures by the name of their file, without a suffix, and why others cannot be drawn.
    """
    from matplotlib import rc_context

    drawn: dict[str, Figure] = {}
    missing = []
    for plot in plots:
        if plot.needs == "records" and not source.runs:
            missing.append(f"{plot.name}: a leaderboard.csv does not hold them; give the run folder")
            continue
        for title, figure in plot.jobs(source, metric, fusions):
            try:
                # Names, paths and classes of users are no formulas, even with two dollar signs in them.
                with rc_context({"text.parse_math": False}):
                    drawn[_file_name(plot, title, drawn)] = figure()
            except NothingToDrawError as reason:
                missing.append(f"{plot.name}: {reason}")
    return drawn, missing


def _file_name(plot: Plot, title: str, taken: Collection[str]) -> str:
    text = f"{plot.name} {title.removeprefix('Trained on ')}"
    name = re.sub(r"[^a-z0-9_.]+", "-", text.lower())[:LONGEST_NAME].strip("-")
    while name in taken:
        name += "-2"
    return name
