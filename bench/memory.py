"""Main memory: what there is, what is left, what a process holds, and when it is searched for cycles."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CONTAINER_LIMITS = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")
CONTAINER_USES = Path("/sys/fs/cgroup/memory.stat"), Path("/sys/fs/cgroup/memory/memory.stat")
# Of it, what the kernel gives up first does not count.
HELD = "anon", "total_rss"
MEMORY = Path("/proc/meminfo")


def memory_bytes() -> int:
    """Main memory of this machine, or of the container that this process lives in."""
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_container_limits()])


def available_bytes() -> int:
    """What processes could still take before the kernel kills one."""
    left = [memory_bytes()]
    with suppress(OSError, KeyError, ValueError):
        left.append(int(_facts(MEMORY)["MemAvailable:"]) * 1024)
    for limit in _container_limits():
        left += [limit - held for held in _container_uses()]
    return max(0, min(left))


def resident_bytes(pid: int) -> int:
    """What a process holds; 0 where there is none."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def _container_limits() -> list[int]:
    texts = [file.read_text().strip() for file in CONTAINER_LIMITS if file.exists()]
    return [int(text) for text in texts if text.isdecimal()]


def _container_uses() -> list[int]:
    stats = [_facts(file) for file in CONTAINER_USES if file.exists()]
    return [int(facts[name]) for facts in stats for name in HELD if name in facts]


def _facts(file: Path) -> dict[str, str]:
    """The first number of each line by its name."""
    lines = [line.split() for line in file.read_text().splitlines()]
    return {line[0]: line[1] for line in lines if len(line) > 1}


def keep_freed_memory() -> None:
    """Let processes that are started from now on keep the memory that they free.

    The C library returns large freed blocks to the kernel by default, and the next training step pays to get them back.
    """
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**32))
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**32))


@contextmanager
def collector_paused() -> Iterator[None]:
    """No search for cycles meanwhile: records and what is made of them have next to none, and looking through all of
    them takes a third of the time of reading."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
