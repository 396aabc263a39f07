"""What tuning gained, as JSON: every trial with its recipe and validation value, every test value before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.markup import json_text
from bench.report.against_baseline import as_dict
from bench.text import defined
from bench.tune.order import Ranks
from bench.tune.result import Board
from bench.tune.trials import Tuned


def render_json(boards: Sequence[Board]) -> str:
    """All boards; None for what is not defined. Values are in the unit of the metric."""
    return json_text([_board(board) for board in boards])


def _board(board: Board) -> dict[str, Any]:
    compared = as_dict(board.comparison)
    return {
        "domain": board.domain,
        "backbone": board.backbone,
        "metric": board.metric,
        "replicates": board.replicates,
        "rank_correlation": None if board.order is None else [defined(value) for value in board.order.correlation],
        "fusions": [_fusion(board, place) for place in range(len(board.tuned))],
        "without_result": [{"fusion": one.subject.fusion, "trials": _trials(one)} for one in board.unfinished],
        "differences": compared["fusions"],
        "notes": compared["notes"],
    }


def _fusion(board: Board, place: int) -> dict[str, Any]:
    one = board.tuned[place]
    assert one.best is not None
    ranks = {} if board.order is None else {"before": board.order.before, "after": board.order.after}
    return {
        "fusion": one.subject.fusion,
        "chosen": one.best.trial.number,
        "before": board.before[:, place].tolist(),
        "after": board.after[:, place].tolist(),
        **{f"rank_{side}": _rank(found, place) for side, found in ranks.items()},
        "trials": _trials(one),
    }


def _trials(one: Tuned) -> list[dict[str, Any]]:
    return [
        {
            "number": outcome.trial.number,
            "recipe": dict(outcome.trial.point),
            "validation": defined(outcome.value),
            "status": outcome.status,
        }
        for outcome in one.outcomes
    ]


def _rank(ranks: Ranks, place: int) -> list[float | None]:
    return [defined(float(ends[place])) for ends in (ranks.value, ranks.low, ranks.high)]
