"""Where a cell is computed, how its maps lie in memory and which cells share a pass: this changes its speed and its
rounding, and no key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from bench.errors import UsageError
from bench.memory import memory_bytes

MEMORY_FORMATS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
DEFAULT_FORMAT = "channels_last"
# What a worker takes at most in a sweep of the zoo: 3.3 GB with encodings of ten seeds.
WORKER_BYTES = 3_500_000_000


@dataclass(frozen=True)
class Execution:
    """What a sweep computes on.

    Attributes:
        device: ``cpu`` or ``cuda``.
        memory_formats: by backbone, where it is not ``channels_last``.
        seeds_together: most seeds of one fusion on frozen encodings that are trained in one pass.
    """

    device: str = "cpu"
    memory_formats: Mapping[str, str] = field(default_factory=dict)
    seeds_together: int = 1

    def memory_format(self, backbone: str) -> str:
        """The memory format of a backbone's maps by name, one of ``MEMORY_FORMATS``."""
        return self.memory_formats.get(backbone, DEFAULT_FORMAT)


ON_THE_CPU = Execution()


def find_device(wanted: str) -> str:
    """``cpu`` or ``cuda``; ``auto`` is a GPU where there is one.

    Raises:
        UsageError: a GPU is wanted and there is none.
    """
    found = torch.cuda.is_available()
    if wanted == "cuda" and not found:
        raise UsageError("--device cuda: torch finds no GPU here; use cpu")
    return ("cuda" if found else "cpu") if wanted == "auto" else wanted


def default_jobs(device: str, threads: int) -> int:
    """Worker processes: one on a GPU, else as many as the cores and the memory that this process may use hold.

    A container's limits, a batch system's share and ``LOKY_MAX_CPU_COUNT`` count, not only what the machine has.
    """
    from joblib import cpu_count

    return 1 if device == "cuda" else max(1, min(cpu_count() // threads, memory_bytes() // WORKER_BYTES))


def keep_freed_memory() -> None:
    """Let processes that are started from now on keep the memory that they free.

    The C library returns large freed blocks to the kernel by default, and the next training step pays to get them back.
    """
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**32))
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**32))
