"""Main memory: what there is, what is left, what a process holds, and when it is searched for cycles."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CONTROL_GROUPS, OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
LIMITS = "memory.max", "memory.limit_in_bytes"
# What the kernel gives up first does not count.
HELD = "anon", "total_rss"
MEMORY = Path("/proc/meminfo")


def memory_bytes() -> int:
    """Main memory of this machine, or of the container or the job that this process lives in."""
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_limits().values()])


def available_bytes() -> int:
    """What processes could still take before the kernel kills one."""
    left = [memory_bytes()]
    with suppress(OSError, KeyError, ValueError):
        left.append(int(_facts(MEMORY)["MemAvailable:"]) * 1024)
    for group, limit in _limits().items():
        with suppress(OSError):
            facts = _facts(group / "memory.stat")
            left += [limit - int(facts[name]) for name in HELD if name in facts]
    return max(0, min(left))


def resident_bytes(pid: int) -> int:
    """What a process holds; 0 where there is none."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def _limits() -> dict[Path, int]:
    """What the control groups that this process is in, and those around them, may hold: a container limits the
    outermost one that is seen from within, a batch system one below it."""
    found = {}
    for group in _groups():
        for name in LIMITS:
            with suppress(OSError, ValueError):
                found[group] = int((group / name).read_text())
    return found


def _groups() -> list[Path]:
    """Folders of control groups of memory, of version 2 and of version 1."""
    own = {"": "", "memory": ""}
    with suppress(OSError, ValueError):
        for line in OWN_GROUPS.read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            own |= {kind: path.strip("/") for kind in kinds.split(",") if kind in own}
    return [
        CONTROL_GROUPS / kind / below
        for kind, path in own.items()
        for below in (Path(path), *Path(path).parents)
        if ".." not in below.parts
    ]


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
