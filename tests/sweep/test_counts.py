"""Parameters in a record are those of its own model, whatever the same process counted before."""

from __future__ import annotations

from typing import Any


def test_a_model_is_counted_for_its_own_classes(sweep: Any) -> None:
    _, records, _ = sweep(fusion="name_then_xnor", domain=["color", "digits"], eval=[])
    two, ten = (record["cost"]["parameters"] for record in records)
    assert two < ten


def test_seeds_share_their_counts(sweep: Any) -> None:
    _, records, _ = sweep(seed="0..1")
    first, second = (record["cost"] for record in records)
    assert first["parameters"] == second["parameters"] > 0
    assert first["macs"] == second["macs"] > 0
