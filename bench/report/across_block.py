"""Several domains beside each other: a block, a table, and the same for JSON."""

from __future__ import annotations

import math
from typing import Any

from bench.plots.style import metric_label
from bench.report.against_baseline import unit_of
from bench.report.table import Block, Grid, estimate_text
from bench.spec import shift_of
from bench.verdicts.across import Across

NOUNS = {"seed": "seeds", "replicate": "replicates"}


def across_block(found: Across) -> Block:
    """The table of a backbone with how to read it."""
    left_out = [f"Not on all of these domains: {', '.join(found.left_out)}."] if found.left_out else []
    return Block(sentence(found), [grid(found).markdown()], left_out)


def title(found: Across) -> str:
    """Heading, different for every table of a report."""
    own = found.conditions
    return " · ".join([own.backbone, own.protocol, "no warm-up" if own.warmup == "none" else f"warm-up {own.warmup}"])


def sentence(found: Across) -> str:
    """How to read the table."""
    return (
        f"{metric_label(found.metric)} on each domain after training on it, mean ± half width of the 95 % interval "
        f"over {found.repetitions} {NOUNS[found.conditions.repeats]}, best mean over the domains first. Bold: not "
        "worse than the best in the column (with 95 % confidence the truly best one is among them). The mean is one of "
        "these domains, and says nothing of others. Behind: how far, at most, behind the best of a domain."
    )


def grid(found: Across) -> Grid:
    """One row per fusion: its score on each domain and on average."""
    unit = unit_of(found.metric)
    names = {domain: shift_of(domain)[0] for domain in found.domains}
    is_short = len(set(names.values())) == len(names)
    header = [*(names[domain] if is_short else domain for domain in found.domains), "mean", f"behind{unit.name}"]
    rows = []
    for place, fusion in enumerate(found.fusions):
        cells = [
            f"**{text}**" if ties else text
            for ties, text in zip(
                found.ties[place], map(estimate_text, found.mean[place], found.half_width[place]), strict=True
            )
        ]
        rows.append([fusion, *cells, unit.size(float(found.behind[place]))])
    return Grid(["fusion", *header], rows, left=1)


def as_dict(found: Across) -> dict[str, Any]:
    """The table for JSON; None for what is not defined."""
    columns = [*found.domains, "mean"]
    rows = [
        {
            "fusion": fusion,
            "behind": float(found.behind[place]),
            "scores": {
                column: {
                    "mean": float(found.mean[place, number]),
                    "half_width": _defined(float(found.half_width[place, number])),
                    "tie_group": bool(found.ties[place, number]),
                }
                for number, column in enumerate(columns)
            },
        }
        for place, fusion in enumerate(found.fusions)
    ]
    told = {name: value for name, value in found.conditions._asdict().items() if name not in ("domain", "fusion")}
    return {**told, "metric": found.metric, "n": found.repetitions, "fusions": rows, "left_out": list(found.left_out)}


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value
