"""Exact duplicates: images and latent records that occur twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.audit.draws import Material, both
from bench.audit.nuisances_single import nuisances
from bench.audit.rows import Row, counted

NAME = "duplicates"


def duplicates(material: Material) -> Iterator[Row]:
    """Training, validation and test must share no image. Where images are rendered none occurs twice in a split
    either, and no two have the same latent record."""
    splits = [both(pairs) for pairs in (material.train, material.val, material.test)]
    images = [_digests(split.pixels.numpy()) for split in splits]
    yield _across("images", images)
    if material.rendered:
        yield _within("images", images)
        records = [_digests(nuisances(split)) for split in splits]
        yield _across("latent records", records)
        yield _within("latent records", records)


def _across(what: str, splits: list[NDArray[np.bytes_]]) -> Row:
    """Members of a split that an earlier split has too."""
    distinct = np.concatenate([np.unique(split) for split in splits])
    shared = len(distinct) - len(np.unique(distinct))
    return counted(NAME, f"{what} shared by splits", shared, sum(map(len, splits)))


def _within(what: str, splits: list[NDArray[np.bytes_]]) -> Row:
    """Members of a split beyond their first occurrence."""
    repeated = sum(len(split) - len(np.unique(split)) for split in splits)
    return counted(NAME, f"{what} repeated in a split", repeated, sum(map(len, splits)))


def _digests(rows: NDArray[np.generic]) -> NDArray[np.bytes_]:
    return np.array([hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows], dtype="S16")
