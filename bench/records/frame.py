"""Records as one tidy table: a row per cell and domain tested on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bench.metrics import metric_names
from bench.records.columns import COUNT_FIELDS, RATE_FIELDS
from bench.records.load import Run, pool
from bench.records.record import NO_SEED, Record

# Whatever is missing, also where no cell has it: else the type of a column depended on which cells failed.
TYPES = {
    "symmetric": "boolean",
    **dict.fromkeys(("warmup_seed", "test_pairs", *COUNT_FIELDS), "Int64"),
    **dict.fromkeys((*RATE_FIELDS, "warmup_quality", "warmup_seconds"), "float64"),
}


def frame_of(runs: Sequence[Run]) -> pd.DataFrame:
    """The latest attempt at each cell of ``runs`` together, as reports count it.

    A cell without a result has one row, for the domain trained on, without metrics. Columns: coordinates, status,
    metrics, costs, times as ``seconds_...``, and the fields of the recipe as ``recipe_...``.
    """
    rows = [(cell, domain) for cell in pool(runs).cells for domain in (cell.eval or (cell.domain,))]
    known = pd.DataFrame([_row(cell, domain) for cell, domain in rows])
    seconds = pd.json_normalize([dict(cell.times) for cell, _ in rows]).add_prefix("seconds_")
    recipes = pd.json_normalize([dict(cell.recipe) for cell, _ in rows], sep="_").add_prefix("recipe_")
    return pd.concat([known.astype(TYPES | dict.fromkeys(metric_names(), "float64")), seconds, recipes], axis=1)


def _row(cell: Record, domain: str) -> dict[str, Any]:
    group, names, tested = cell.group, metric_names(), cell.eval.get(domain)
    return {
        "fusion": group.fusion,
        "family": cell.family,
        "symmetric": cell.symmetric,
        "backbone": group.backbone,
        "domain": group.domain,
        "eval_domain": domain,
        "seed": cell.seed,
        "repeats": cell.repeats,
        "protocol": group.protocol,
        "warmup": group.warmup,
        "warmup_seed": None if group.warmup_seed == NO_SEED else group.warmup_seed,
        "recipe_id": group.recipe_id,
        "key": cell.key,
        "status": cell.status,
        "message": cell.message,
        "finished": cell.finished,
        "machine": None if cell.machine is None else str(cell.machine),
        "test_pairs": tested.pairs if tested else None,
        **dict(zip(names, tested.values if tested else (None,) * len(names), strict=True)),
        **{name: cell.cost_of(name) for name in (*COUNT_FIELDS, *RATE_FIELDS)},
        "seeds_together": cell.execution.get("seeds_together", 1),
        "warmup_quality": cell.warmup.get("quality"),
        "warmup_seconds": cell.warmup.get("seconds"),
    }
