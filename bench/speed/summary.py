"""What the times of a row come to: median, spread, latency and flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

NOISY = 0.10  # interquartile range over median
DIGITS = 9


def summarise(rounds: Sequence[Mapping[str, Any]], pairs: int, is_busy: bool) -> dict[str, Any]:
    """Summary of the block times and single calls of all ``rounds`` together, in seconds per call.

    Args:
        pairs: of one call.
        is_busy: whether this machine did more than measure.
    """
    blocks = np.concatenate([one["blocks"] for one in rounds])
    calls = np.concatenate([one["latencies"] for one in rounds])
    low, median, high = np.percentile(blocks, [25, 50, 75])
    p50, p95 = np.percentile(calls, [50, 95])
    flags = {
        "noisy": high - low > NOISY * median,
        "unsettled": not all(one["settled"] for one in rounds),
        "busy": is_busy,
    }
    return {
        "median_s": round(float(median), DIGITS),
        "iqr_s": round(float(high - low), DIGITS),
        "n": len(blocks),
        "pairs_per_s": round(float(pairs / median), 2),
        "p50_s": round(float(p50), DIGITS),
        "p95_s": round(float(p95), DIGITS),
        "flags": [flag for flag, raised in flags.items() if raised],
    }


def round_medians(record: Mapping[str, Any]) -> list[float]:
    """Median seconds per call of each round of a record: one independent sample for each process."""
    return [float(np.median(one["blocks"])) for one in record["rounds"]]
