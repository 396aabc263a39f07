"""Parts of the pages of studies on classes that training did not show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench import zoo
from bench.domain import build_domain
from bench.plots.style import metric_label
from bench.records.sections import Section
from bench.records.ties import how_bold
from bench.report.across_block import cells, conclusion, grid, reading
from bench.report.formats.markdown import wrap
from bench.report.gaps_block import LEGEND, sign
from bench.report.order_block import span
from bench.report.report import Report
from bench.report.table import Grid
from bench.verdicts.across import across as across_of
from bench.verdicts.gaps import Gap
from bench.verdicts.order import order_of
from bench.verdicts.unit import Unit, unit_of

NOVEL = "novel"
# How many of the first ones are named.
BEST = 4


def novel(report: Report, metric: str) -> Iterator[str]:
    """Classes that training did not show, by how many it did: scores on them, what is lost on them, and how alike both
    order the fusions."""
    zoo.load_built_in(["datasets"])
    sections = {str(_classes(section)): section for section in sorted(report.sections, key=_classes)}
    (board,) = across_of(sections.values(), metric, shift=NOVEL)
    known, unit = [cells(board, fusion) for fusion in board.fusions], unit_of(metric)
    header, domains = ["classes in training", *sections], [section.domain for section in sections.values()]
    yield f"{metric_label(metric)} on classes that training did not show:"
    rows = [[fusion, *map(own.__getitem__, domains)] for fusion, own in zip(board.fusions, known, strict=True)]
    yield Grid(header, rows, left=1).markdown()
    bold = how_bold(board.repetitions, board.repetitions)
    yield wrap(f"Mean of {board.repetitions} {board.conditions.repeats}s. Bold: {bold}.")
    yield wrap(f"The same minus {metric_label(metric)} on the classes of training,{unit.name}:")
    lost = [_lost(report.gaps[section.title], unit) for section in sections.values()]
    rows = [[fusion, *(own[fusion] for own in lost)] for fusion in board.fusions]
    yield Grid(header, rows, left=1).markdown()
    yield wrap(LEGEND.replace("row", "column"))
    yield _orders("classes in training", sections, metric)


def unseen(report: Report, metric: str) -> Iterator[str]:
    """Scores on classes that training did not show, of all domains that have such, and how alike seen and new classes
    order the fusions."""
    for board in across_of(report.sections, metric, shift=NOVEL):
        yield wrap(conclusion(board))
        yield grid(board).markdown()
        yield wrap(
            f"{metric_label(metric)} on classes that neither training nor validation showed, mean ± half width of the "
            f"95 % interval over {board.repetitions} {board.conditions.repeats}s. "
            f"Bold: {how_bold(board.repetitions, board.repetitions)}. {reading()}"
        )
        yield _orders("domain", {one.domain: one for one in report.sections if one.domain in board.domains}, metric)


def _lost(gaps: Sequence[Gap], unit: Unit) -> dict[str, str]:
    """The gap of each fusion on new classes, as text."""
    (gap,) = (gap for gap in gaps if gap.contrast.name == NOVEL)
    return {
        one.fusion: f"{unit.signed(one.paired.mean)} ± {unit.size(one.paired.half_width)} {sign(one)}"
        for one in gap.own
    }


def _orders(which: str, sections: Mapping[str, Section], metric: str) -> str:
    header = [which, "rank correlation of both orders", "ceiling", "best on seen classes", "best on new ones"]
    return Grid(header, [[name, *_both_orders(one, metric)] for name, one in sections.items()], left=1).markdown()


def _both_orders(section: Section, metric: str) -> list[str]:
    """How alike the classes of training and new ones order the fusions, and the first ones on both."""
    order = order_of(section, metric)
    own, new = section.domain, section.shifts[NOVEL]
    (pair,) = (one for one in order.pairs if (one.first, one.second) == (own, new))
    correlation = f"{pair.correlation:.2f} ({span(pair.low, pair.high)})"
    return [correlation, f"{pair.ceiling:.2f}", *(", ".join(order.best_first[domain][:BEST]) for domain in (own, new))]


def _classes(section: Section) -> int:
    """How many its training showed."""
    return build_domain(section.domain).k
