"""Settings of the library and clocks of the machine that a time depends on."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import torch

from bench.errors import in_a_line


def settings(device: str) -> dict[str, Any]:
    """Threads, matrix product precision, kernel choice and clocks, as they are in this process."""
    return {
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "matmul_precision": torch.get_float32_matmul_precision(),
        "mkldnn": torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled,
        "tf32_matmul": torch.backends.cuda.matmul.allow_tf32,
        "tf32_cudnn": torch.backends.cudnn.allow_tf32,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        **({"clock_mhz": cpu_clock()} if device == "cpu" else gpu_clock()),
    }


def cpu_clock() -> float | None:
    """Median clock of the cores in MHz; None where the system does not tell."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return None
    clocks = [float(line.split(":")[1]) for line in info.read_text().splitlines() if line.startswith("cpu MHz")]
    return statistics.median(clocks) if clocks else None


def gpu_clock() -> dict[str, Any]:
    """Clock of the current GPU in MHz, and where it is not known, why: its management library may be missing, or not
    tell."""
    try:
        return {"clock_mhz": torch.cuda.clock_rate()}
    except Exception as error:
        # Its errors are classes of its own, which cannot be named where it is not installed.
        return {"clock_mhz": None, "clock_unknown": in_a_line(error)}
