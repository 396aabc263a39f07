"""Where a cell is computed, how its maps lie in memory, which cells share a pass and how often one is watched: this
changes its speed and its rounding, and no key."""

from __future__ import annotations

import os
import platform
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from bench.errors import UsageError
from bench.memory import memory_bytes

MEMORY_FORMATS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
DEFAULT_FORMAT = "channels_last"
# What a worker takes at most in a sweep of the zoo: 3.3 GB with encodings of ten seeds.
WORKER_BYTES = 3_500_000_000
# And on a GPU, with what the libraries of its process take there.
WORKER_GPU_BYTES = 5_000_000_000


@dataclass(frozen=True)
class Execution:
    """What a sweep computes on.

    Attributes:
        device: ``cpu`` or ``cuda``.
        memory_formats: by backbone, where it is not ``channels_last``.
        seeds_together: most seeds of one fusion on frozen encodings that are trained in one pass.
        checks: points of the training at which a cell is watched, which changes no number of it.
    """

    device: str = "cpu"
    memory_formats: Mapping[str, str] = field(default_factory=dict)
    seeds_together: int = 1
    checks: int = 0

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


def gpus_of(device: str) -> int:
    """How many GPUs of this machine a sweep on ``device`` computes on."""
    return torch.cuda.device_count() if device == "cuda" else 0


def default_jobs(device: str, threads: int) -> int:
    """Worker processes: as many as the cores, the memory that this process may use and that of the GPUs hold, and at
    least one for each GPU.

    A container's limits, a batch system's share and ``LOKY_MAX_CPU_COUNT`` count, not only what the machine has. One
    worker leaves most of a GPU idle, because small networks wait for the processor that hands them their work.
    """
    from joblib import cpu_count

    jobs = max(1, min(cpu_count() // threads, memory_bytes() // WORKER_BYTES))
    if device != "cuda":
        return jobs
    room = room_on_gpus(device)
    return max(len(room), min(jobs, sum(room)))


def room_on_gpus(device: str) -> list[int]:
    """How many workers the memory that is free now holds, on each GPU that a sweep on ``device`` computes on."""
    return [_free_bytes(gpu) // WORKER_GPU_BYTES for gpu in range(gpus_of(device))]


def _free_bytes(gpu: int) -> int:
    try:
        return torch.cuda.mem_get_info(gpu)[0]
    except RuntimeError:
        return 0  # to ask it takes a little of it


def next_gpu(room: Sequence[int], workers: Mapping[int, int]) -> int:
    """The GPU that the next worker takes: the one with fewest of ``workers`` among those that have room for more; where
    none has, the one that lacks least."""

    def load(gpu: int) -> tuple[bool, int]:
        at_work = workers.get(gpu, 0)
        is_full = at_work >= room[gpu]
        return is_full, at_work - room[gpu] if is_full else at_work

    return min(range(len(room)), key=load)


def take_gpu(number: int) -> None:
    """Let this process compute on one of the GPUs, and the same numbers each time.

    What has no deterministic form there is computed as it is.

    Raises:
        UsageError: this machine has none.
    """
    if not torch.cuda.device_count():
        raise UsageError(f"torch finds no GPU on {platform.node()}")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS is first used
    torch.cuda.set_device(number)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # That would only help to find reads of memory that nothing was written to.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    warnings.filterwarnings("ignore", message=".* does not have a deterministic implementation")
