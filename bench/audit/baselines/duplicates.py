"""Images and latent records that occur twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws, both, nuisances
from bench.audit.rows import Row, counted


@register_audit_baseline
class Duplicates(AuditBaseline):
    """Images that training, validation and test share: none.

    Where images are rendered none occurs twice in a split either, and no two have the same latent record.
    """

    name = "duplicates"

    def rows(self, draws: Draws) -> Iterator[Row]:
        splits = [both(pairs) for pairs in (draws.train, draws.val, draws.test)]
        images = [_digests(split.pixels.numpy()) for split in splits]
        yield _across("images", images)
        if draws.rendered:
            yield _within("images", images)
            records = [_digests(nuisances(split)) for split in splits]
            yield _across("latent records", records)
            yield _within("latent records", records)


def _across(what: str, splits: list[NDArray[np.bytes_]]) -> Row:
    """Members of a split that an earlier split has too."""
    distinct = np.concatenate([np.unique(split) for split in splits])
    shared = len(distinct) - len(np.unique(distinct))
    return counted(f"{what} shared by splits", shared, sum(map(len, splits)))


def _within(what: str, splits: list[NDArray[np.bytes_]]) -> Row:
    """Members of a split beyond their first occurrence."""
    repeated = sum(len(split) - len(np.unique(split)) for split in splits)
    return counted(f"{what} repeated in a split", repeated, sum(map(len, splits)))


def _digests(rows: NDArray[np.generic]) -> NDArray[np.bytes_]:
    return np.array([hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows], dtype="S16")
