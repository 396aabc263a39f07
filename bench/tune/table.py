"""What tuning gained, as Markdown: a table for each domain and backbone, and what it holds for."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bench.markup import markdown
from bench.plots.style import metric_label
from bench.records.entries import counted
from bench.report.against_baseline import Comparison, sign_flip_notes, word_of
from bench.report.formats.markdown import wrap
from bench.report.table import Grid
from bench.sweep.replicates import SAME_PARTS
from bench.text import MISSING, count_of, p_text
from bench.tune.order import Order, Ranks
from bench.tune.result import Board
from bench.tune.trials import Tuned
from bench.verdicts.verdicts import Verdict

SHARES = {
    "images": "Replicates deal the same images anew: trials trained on some of those tested, or were chosen by "
    "them, so that less may be gained on new images.",
    "parts": SAME_PARTS,
}


def render(boards: list[Board]) -> str:
    """All boards as one Markdown document."""
    return "\n\n".join("\n\n".join(_parts(board)) for board in boards) + "\n"


def _parts(board: Board) -> Iterator[str]:
    yield f"## {markdown(f'Tuned on {board.domain} · {board.backbone}')}"
    yield wrap(_setting(board))
    if board.tuned:
        yield _grid(board).markdown()
    for note in _notes(board):
        yield wrap(note)


def _setting(board: Board) -> str:
    replicates = count_of(len(board.replicates), "replicate")
    recipes = count_of(len(board.trials), "recipe")
    return (
        f"Every fusion was given the same {recipes}, the default one among them; the best is that of the best "
        f"{board.metric} on validation pairs. Tested on {replicates} that no trial saw, under the default recipe "
        f"(before) and the chosen one (after)."
    )


def _grid(board: Board) -> Grid:
    unit = board.comparison.unit
    header = ["fusion", "rank before", "rank after", f"{metric_label(board.metric)} before", "after"]
    header += [f"difference,{unit.name}", "95 % interval", "p (Holm)", "verdict", "failed trials", "chosen recipe"]
    verdicts = {verdict.fusion: verdict for verdict in board.comparison.verdicts}
    rows = []
    for place in _by_rank(board):
        one = board.tuned[place]
        means = [f"{values[:, place].mean():.3f}" if len(values) else MISSING for values in (board.before, board.after)]
        said = _said(verdicts[one.subject.fusion], board.comparison) if one.is_changed else [MISSING] * 4
        failed = counted(one.failed) or "0"
        rows.append([one.subject.fusion, *_ranks(board.order, place), *means, *said, failed, _recipe(one)])
    return Grid(header, rows, left=1)


def _said(verdict: Verdict, comparison: Comparison) -> list[str]:
    found, unit = verdict.paired, comparison.unit
    interval = MISSING if math.isnan(found.low) else f"{unit.signed(found.low)} to {unit.signed(found.high)}"
    return [unit.signed(found.mean), interval, p_text(verdict.p_holm), word_of(verdict, comparison.repeats)]


def _ranks(order: Order | None, place: int) -> list[str]:
    return [_rank(side, place) for side in (order.before, order.after)] if order else [MISSING] * 2


def _by_rank(board: Board) -> list[int]:
    places = list(range(len(board.tuned)))
    after = board.order.after.value if board.order else places
    return sorted(places, key=lambda place: after[place])


def _rank(ranks: Ranks, place: int) -> str:
    value, low, high = (float(ends[place]) for ends in (ranks.value, ranks.low, ranks.high))
    return f"{value:g}" if math.isnan(low) else f"{value:g} ({low:g} to {high:g})"


def _recipe(one: Tuned) -> str:
    return f"{one.best.trial} (trial {one.best.trial.number})" if one.best and one.is_changed else "default"


def _notes(board: Board) -> Iterator[str]:
    if board.may_be_best:
        yield (
            f"Not worse than the best after tuning: {', '.join(board.may_be_best)} (of {len(board.tuned)}), with 95 % "
            "confidence, each tested against each; intervals of ranks are of each fusion by itself."
        )
    if board.order is not None:
        value, low, high = board.order.correlation
        if not math.isnan(value):
            interval = "" if math.isnan(low) else f" (95 % interval {low:.2f} to {high:.2f})"
            yield f"Rank correlation of the orders before and after (Spearman): {value:.2f}{interval}."
        intervals = ", with 95 % bootstrap intervals over replicates"
        yield (
            f"Ranks are by the mean{'' if all(map(math.isnan, board.order.after.low)) else intervals}. Differences are "
            "paired by replicate: 95 % paired-t interval, p of the paired t test adjusted by Holm over the table."
        )
    yield from sign_flip_notes(board.comparison.verdicts, board.comparison.repeats)
    for one in board.unfinished:
        why = "no trial has a value" if one.best is None else "no replicate was finished before and after"
        yield f"{one.subject.fusion}: {why} ({counted(one.failed) or 'no trial failed'})."
    if board.shares:
        yield SHARES[board.shares]
