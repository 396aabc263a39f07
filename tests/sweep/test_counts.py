"""Parameters in a record are those of its own model, whatever the same process counted before."""

from __future__ import annotations

from typing import Any

import pytest

from bench.sweep import measure
from bench.sweep.cache import Cache


def test_a_model_is_counted_for_its_own_classes(sweep: Any) -> None:
    _, records, _ = sweep(fusion="name_then_xnor", domain=["color", "digits"], eval=[])
    two, ten = (record["cost"]["parameters"] for record in records)
    assert two < ten


def test_seeds_share_their_counts(sweep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []

    def counts(model: Any, *rest: Any) -> dict[str, Any]:
        counted.append(type(model.fusion).__name__)
        return real(model, *rest)

    real = measure.counts
    monkeypatch.setattr(measure, "counts", counts)
    monkeypatch.setattr(measure, "_counts", Cache(8))
    _, records, _ = sweep(fusion="abs_diff,concat", seed="0..1")
    assert sorted(counted) == ["AbsDiff", "Concat"]
    assert all(record["cost"]["parameters"] > 0 for record in records)
