"""What options of ``bench run`` cost: one sweep without and with each of them, in turn, every time into a new folder.

What stands before the first ``--way`` is the sweep; each ``--way`` is what one more way adds:
``python benchmarks/overhead.py --config configs/quick.yaml --domain color --way '--save best' --way '--checks 5'``.
Warm-ups and encodings of the plain sweep are computed before anything is measured, if they are not in the cache yet; an
addition that is one word is given as ``--way=--profile``. CPU seconds are those
of the command and of the processes that it waited for: where machines of a cluster work, the wall alone tells.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from interleaved import in_turn, ratio, spread


def measure(command: list[str], cpu: list[float], number: int) -> float:
    """Wall seconds of ``bench run`` with ``command``; its CPU seconds are appended to ``cpu``."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        arguments = ["run", *command, "--out", str(Path(folder, "run"))]
        child = subprocess.Popen([sys.executable, "-m", "bench", *arguments], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"bench {' '.join(arguments)} ended with {child.returncode}")
        cpu.append(usage.ru_utime + usage.ru_stime)
        return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", action="append", default=[], help="options that one more way adds; may be repeated")
    options, sweep = parser.parse_known_args()
    names = {"plain": "", **{way: way for way in options.way}}
    measure(sweep, [], 0)
    cpu: dict[str, list[float]] = {name: [] for name in names}
    ways = {name: partial(measure, [*sweep, *shlex.split(added)], cpu[name]) for name, added in names.items()}
    wall = in_turn(ways, options.rounds)
    for name in names:
        parts = [f"{name:32}"]
        for what, found in (("wall", wall), ("CPU", cpu)):
            shares = [100 * (one - 1) for one in ratio(found, name, "plain")]
            more = "" if name == "plain" else f", {spread(shares, 1)} % more"
            parts.append(f"{what} {spread(found[name], 1)} s{more}")
        print(*parts, sep="  ", flush=True)


if __name__ == "__main__":
    main()
