"""The fields of a record that are known before the cell runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bench.domain import Domain
from bench.records.record import Repeats
from bench.registry import Choice
from bench.sweep.cell import Cell
from bench.sweep.replicates import shared


def coordinates(cell: Cell, key: str) -> dict[str, Any]:
    """Which cell it is, and how it is trained and tested."""
    fusion = cell.fusion.cls
    return {
        "key": key,
        "fusion": str(cell.fusion),
        "family": fusion.family,
        "role": fusion.role,
        "knows": fusion.knows(),
        "symmetric": fusion.symmetric,
        "known_failure": fusion.known_failure,
        "backbone": str(cell.backbone),
        "domain": cell.name_of(cell.domain),
        "seed": cell.seed,
        "repeats": cell.repeats,
        "protocol": cell.protocol,
        "warmup": {"task": str(cell.warmup.task) if cell.start else "none"},
        "recipe": cell.recipe.model_dump(),
        "recipe_id": cell.recipe_id(),
        "data": {cell.name_of(domain): _data(domain, cell.repeats) for domain in cell.eval_domains},
        "eval": {},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _data(domain: Choice[Domain], repeats: Repeats) -> dict[str, Any]:
    """What names the test set of a domain: its version, the content of a user's files, what replicates share of it."""
    identity = domain.identity()
    facts = {"version": identity["version"], "content": identity["content"]}
    facts["shared"] = shared(domain) if repeats == "replicate" else ""
    return {name: fact for name, fact in facts.items() if fact}
