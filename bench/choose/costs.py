"""What the fusions of a race cost, as its records have it."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from bench.choose.question import FINALISTS, SCREENING, TEST, Question
from bench.records.folder import RunFolder
from bench.records.record import DetailedRecord
from bench.text import human


@dataclass(frozen=True)
class Costs:
    """What a fusion costs in the last stage that it was in; None where that is not known."""

    params: int | None = None
    infer_ms: float | None = None

    def of(self, name: str) -> float:
        """A cost by the name that ``--cost`` has for it; what is not known is the dearest."""
        value = {"params": self.params, "infer_ms": self.infer_ms}[name]
        return math.inf if value is None else value

    def __str__(self) -> str:
        parts = [f"{self.infer_ms:.2f} ms per pair"] if self.infer_ms is not None else []
        parts += [f"{human(self.params)} parameters"] if self.params is not None else []
        return " and ".join(parts) or "an unknown amount"


def costs_of(question: Question) -> dict[str, Costs]:
    """Costs by fusion: of the last stage that it was in, with the median of the rates measured there."""
    costs: dict[str, Costs] = {}
    for stage in (SCREENING, FINALISTS, TEST):
        found: dict[str, list[DetailedRecord]] = {}
        for record in RunFolder(question.out / stage).records(DetailedRecord):
            found.setdefault(record.fusion, []).append(record)
        for fusion, records in found.items():
            params = [value for one in records if (value := one.cost_of("parameters")) is not None]
            rates = [value for one in records if (value := one.cost_of("infer_pairs_per_s"))]
            costs[fusion] = Costs(
                int(params[-1]) if params else None, 1000 / statistics.median(rates) if rates else None
            )
    return costs
