"""The fingerprint: a tiny sweep whose every bit is known, for each version of torch and each kind of processor.

A digest tells at once, without statistics, that the code computes something else than it did. What one torch computes
on one kind of processor, another need not: so there is a published value for each pair of them, or none.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from bench.atomic import write_text_atomically
from bench.errors import UsageError
from bench.records.columns import COUNT_FIELDS
from bench.records.folder import RunFolder
from bench.records.record import DetailedRecord
from bench.sweep.config import SweepConfig
from bench.sweep.provenance import hardware, versions
from bench.sweep.run import run_sweep

RECIPE = {"train_pairs": 128, "batch_size": 32, "val_pairs": 64}
# From random weights and from a warm-up; on embeddings, maps and pixels; a control.
SWEEPS: tuple[Mapping[str, Any], ...] = (
    {"protocol": "finetune", "fusion": ("abs_diff", "cross_attention", "two_channel"), "domain": ("color",)},
    {"protocol": "scratch", "fusion": ("concat", "single_image"), "domain": ("texture",)},
)
# What stands beside scores and labels in their file, and follows from the same model and pairs.
BESIDE = ("/cosine", "/units")
Digests = Mapping[str, str]


def compute() -> Digests:
    """Run the tiny sweeps in a temporary folder, warm-up included; the digest of each cell by its name.

    Raises:
        UsageError: a cell failed.
    """
    before = os.environ.get("FUSEBENCH_CACHE")
    with tempfile.TemporaryDirectory() as place:
        os.environ["FUSEBENCH_CACHE"] = f"{place}/cache"
        try:
            return {
                name: found
                for number, sweep in enumerate(SWEEPS)
                for name, found in _run(Path(place) / str(number), sweep).items()
            }
        finally:
            os.environ.pop("FUSEBENCH_CACHE")
            if before is not None:
                os.environ["FUSEBENCH_CACHE"] = before


def machine() -> str:
    """The key of a published value: version of torch, processor, and its capability as torch uses it."""
    facts = hardware()
    return f"torch {versions()['torch']}, {facts['system']}, {facts['cpu']}, {facts['capability']}"


def published(file: Path) -> dict[str, Digests]:
    """Digests by machine, nothing where there is no such file.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        found = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{file}: not JSON") from None
    if not isinstance(found, dict):
        raise UsageError(f"{file}: expected digests by machine")
    return found


def publish(file: Path, digests: Digests) -> None:
    """Add or replace the value of this machine."""
    known = {**published(file), machine(): dict(digests)}
    write_text_atomically(file, json.dumps(known, indent=1, sort_keys=True) + "\n")


def _run(folder: Path, sweep: Mapping[str, Any]) -> Digests:
    config = SweepConfig(
        **sweep, seed=(0,), eval=(), test_pairs=64, recipe=RECIPE,
        warmup_recipe={"images": 256, "batch_size": 32}, jobs=0, threads=1, out=str(folder),
    )  # fmt: skip
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        run_sweep(config, ["bench", "fingerprint"], Console(file=nowhere))
    records = RunFolder(folder).records(DetailedRecord)
    for record in records:
        if record.status != "ok":
            raise UsageError(f"fingerprint: {_name(record)}: {record.ending}")
    return {_name(record): _digest(record, folder) for record in records}


def _name(record: DetailedRecord) -> str:
    return f"{record.fusion} on {record.domain}, {record.protocol}"


def _digest(record: DetailedRecord, folder: Path) -> str:
    """SHA-256 over the scores of every pair, the loss curve, parameters and MACs."""
    digest = hashlib.sha256()
    counts = {name: record.cost.get(name) for name in COUNT_FIELDS}
    digest.update(json.dumps([counts, record.curve]).encode())
    with np.load(folder / "scores" / f"{record.key}.npz") as scores:
        for name in sorted(name for name in scores.files if not name.endswith(BESIDE)):
            digest.update(name.encode() + scores[name].tobytes())
    return digest.hexdigest()[:16]
