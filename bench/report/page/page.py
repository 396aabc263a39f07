"""The page of a report: what each of its sections shows, put into the template."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from bench.plots.board import Board, lines_of
from bench.plots.curves import learned
from bench.plots.style import metric_label
from bench.records.leaderboard import rows
from bench.records.learning import Learning, learning_of
from bench.records.record import Group
from bench.records.references import knowledge
from bench.records.sections import Section
from bench.report import (
    across_block,
    effects_block,
    footnotes,
    gaps_block,
    history_block,
    lift_block,
    order_block,
    quarters_block,
)
from bench.report.against_baseline import Comparison, comparison_sentence, sign_flip_notes
from bench.report.caption import caption
from bench.report.conclusion import conclusion
from bench.report.mixed import origins
from bench.report.page.cells import MOST_CELLS, CellLinks, cell_links, packed
from bench.report.page.figures import MOST_ROWS, View, heatmap_views, learning_views, pareto_views
from bench.report.page.libraries import Libraries, load_libraries, sortable
from bench.report.page.opening import matrices
from bench.report.page.tables import (
    across_table,
    failures_table,
    frame_of,
    history_table,
    leaderboard_table,
    shifts_table,
    verdicts_table,
)
from bench.report.provenance import provenance, sentence
from bench.report.report import Report
from bench.verdicts.across import Across
from bench.verdicts.history import History
from bench.verdicts.order import order_of

if TYPE_CHECKING:
    import pandas as pd

NO_TABLE = ""


def anchor(text: str) -> str:
    """The part of an address that leads to what is called ``text``."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


@dataclass(frozen=True)
class Part:
    """A heading with a sentence, and a table (as HTML), a figure or links to cells below it; ``empty`` says why there
    is none of them."""

    title: str
    sentence: str = ""
    table: str = NO_TABLE
    views: Sequence[View] = ()
    cells: CellLinks | None = None
    empty: str = ""


@dataclass(frozen=True)
class Chapter:
    """A section of the report: its sentences, the conclusion if fusions were compared, and its parts.

    Attributes:
        mixed: what its cells do not have in common, which nobody should have to unfold.
    """

    title: str
    mixed: Sequence[str]
    sentences: Sequence[str]
    conclusion: Sequence[str]
    parts: Sequence[Part]


def render(report: Report) -> str:
    """The report as one HTML page that loads nothing.

    Raises:
        UsageError: a library of the extra ``html`` is not installed.
    """
    libraries = load_libraries()
    parts = [section.of(backbone) for section in report.sections for backbone in section.backbones]
    curves = learning_of(report.runs, [entry for part in parts for entry in learned(part, report.metrics[0], ())])
    chapters = [
        _chapter(place, section, found, report, curves) for place, (section, found) in enumerate(report.compared)
    ]
    keys = {key for chapter in chapters for part in chapter.parts if part.cells for key in part.cells.keys}
    records = packed(report.runs, keys)
    return libraries.template.render(**_assets(libraries), **_overview(report), chapters=chapters, records=records)


def figure_json(views: Sequence[View]) -> str:
    """Views as JSON that may stand inside a script element."""
    text = json.dumps(views, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _assets(libraries: Libraries) -> dict[str, Any]:
    templates = resources.files("bench.report.page") / "templates"
    own = {name: (templates / name).read_text(encoding="utf-8") for name in ("page.css", "page.js", "cell.js")}
    return {
        "plotly": libraries.plotly,
        "tables": libraries.tables,
        "style": own["page.css"],
        "script": own["page.js"] + own["cell.js"],
        "figure_json": figure_json,
        "anchor": anchor,
    }


def _overview(report: Report) -> dict[str, Any]:
    cells = report.pool.cells
    finished = sum(cell.status == "ok" for cell in cells)
    absent = sum(cell.status == "not_applicable" for cell in cells)
    fusions = {entry.group.fusion for entry in report.entries if entry.role == "fusion"}
    counts = {
        "fusions": len(fusions),
        "cells with a result": finished,
        "not applicable": absent,
        "failed": len(cells) - finished - absent,
    }
    sources = [sentence(facts) for facts in provenance(report.runs)]
    return {
        "counts": counts,
        "notes": report.notes,
        "sources": sources,
        "baseline": report.baseline,
        "metric": report.metrics[0],
        "matrices": matrices(report),
        "across": [_across(place, found) for place, found in enumerate(report.across)],
        "histories": [_history(place, found) for place, found in enumerate(report.histories)],
    }


def _across(place: int, found: Across) -> Part:
    """Several domains beside each other."""
    how = (
        f"{across_block.conclusion(found)} {metric_label(found.metric)} on each domain after training on it, n = "
        f"{found.repetitions}; ±: half width of the 95 % interval. Tie group: by the mean. "
        f"{across_block.reading('be in it')}"
    )
    return Part(across_block.title(found), how, sortable(across_table(found), f"across-{place}", chooses=True))


def _history(place: int, found: History) -> Part:
    """Runs that repeat each other's cells."""
    how = f"{metric_label(found.metric)}. {history_block.reading([found], 'marked *')}"
    return Part(found.title, how, sortable(history_table(found), f"runs-{place}", chooses=True))


def _chapter(
    place: int, section: Section, found: Sequence[Comparison], report: Report, curves: Mapping[Group, Learning]
) -> Chapter:
    metric, board = report.metrics[0], Board(section.title, lines_of(rows(section.entries)))
    leaderboard = leaderboard_table(section, report.metrics, report.costs)
    how = (
        "A click on the arrows of a header sorts, Columns chooses what is shown, the fields below filter. "
        f"Tie group: not worse than the best by {metric}."
    )
    known = knowledge(section.entries)
    marks = " ".join(footnotes.legend(section.ranked("fusion", metric)))
    parts = [
        Part(
            "Leaderboard",
            " ".join(filter(None, [how, known, marks])),
            sortable(leaderboard, f"t{place}-board", chooses=True),
        )
    ]
    parts += [
        Part(
            f"Compared with {one.baseline} on {one.domain}",
            " ".join([comparison_sentence(one), *sign_flip_notes(one.verdicts, one.repeats)]),
            sortable(verdicts_table(one), f"t{place}-compared-{number}"),
        )
        for number, one in enumerate(found)
    ]
    front = (
        "Ringed and joined: fusions each of which is surely better than the cheaper one before it; diamond: the best "
        "mean, where it is not among them."
    )
    parts.append(
        _figure(
            "Accuracy and cost" if metric == "accuracy" else "Quality and cost",
            front,
            pareto_views(board, section, metric, report.margin),
        )
    )
    parts.append(_figure("Fusion × backbone", _heat_sentence(board, section, metric), heatmap_views(board, metric)))
    for number, backbone in enumerate(section.backbones):
        name = f" · {backbone}" if len(section.backbones) > 1 else ""
        shifts = shifts_table(board.of(backbone), metric)
        where = f"{metric} after training on {section.domain} alone, mean over {section.repeats}s."
        parts.append(_table(f"Shifts{name}", where, shifts, f"t{place}-shifts-{number}", "Tested on no other domain."))
        for title, block in (("Over the controls", lift_block), ("New classes and groups", quarters_block)):
            found_table = frame_of(block.grid(section.of(backbone), metric))
            if not found_table.empty:
                how = block.sentence(section.of(backbone), metric)
                html = sortable(found_table, f"t{place}-{block.WORD}-{number}")
                parts.append(Part(f"{title}{name}", how, html))
        gaps = frame_of(gaps_block.grid(section.of(backbone), report.gaps[section.title], metric, report.baseline))
        if not gaps.empty:
            how = gaps_block.sentence(section, metric, report.baseline, report.margin)
            parts.append(Part(f"Gaps{name}", how, sortable(gaps, f"t{place}-gaps-{number}")))
        order = order_of(section.of(backbone), metric)
        if order is not None:
            table, how = frame_of(order_block.grid(section, order)), order_block.sentence(section, order, metric)
            parts.append(Part(f"Order{name}", how, sortable(table, f"t{place}-order-{number}", False)))
        learned = learning_views(section.of(backbone), curves, metric)
        parts.append(
            _figure(
                f"Learning curves{name}",
                f"Mean over {section.repeats}s of the best fusions and of the references.",
                learned,
            )
        )
    spread = effects_block.effects_block(section, report.sections, metric)
    if spread is not None:
        analyses = effects_block.analyses(section, report.sections, metric)
        table = frame_of(effects_block.grid(analyses, metric, section.repeats))
        parts.append(Part("What the spread is made of", spread.sentence, sortable(table, f"t{place}-spread", False)))
    parts.append(_cells(section, metric, MOST_CELLS // len(report.sections)))
    failures = failures_table(section)
    parts.append(_table("Failed, not learned, not applicable", "", failures, f"t{place}-failures", "No cell failed."))
    sentences = caption(section, f"Tie group, by {metric}")
    return Chapter(section.title, origins(section), sentences, conclusion(section, found), parts)


def _heat_sentence(board: Board, section: Section, metric: str) -> str:
    fusions = board.ranked("fusion", metric)["fusion"].nunique()
    some = f" The best {MOST_ROWS} of {fusions:,} fusions; the leaderboard has all." if fusions > MOST_ROWS else ""
    return f"{metric}, mean over {section.repeats}s.{some}"


def _cells(section: Section, metric: str, most: int) -> Part:
    found = cell_links(section, metric, most)
    some = f" The best {len(found.rows)} of {found.lines:,} lines; bench show KEY prints the record of any cell."
    how = f"{metric} of each {section.repeats}; a click opens the page of that cell: all that its record holds."
    return Part("Cells", how + (some if len(found.rows) < found.lines else ""), cells=found)


def _figure(title: str, sentence: str, views: Sequence[View]) -> Part:
    return Part(title, sentence, views=views, empty="" if views else "Nothing to draw: the records do not hold it.")


def _table(title: str, sentence: str, table: pd.DataFrame, name: str, empty: str) -> Part:
    return Part(title, empty=empty) if table.empty else Part(title, sentence, sortable(table, name))
