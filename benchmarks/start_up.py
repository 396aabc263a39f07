"""How long a user waits before anything happens, in processes of their own as a user starts them, in turn.

- ``bench --help``, at most 0.3 s, beside a Python that imports typer;
- ``bench list fusions``, at most 3 s, beside a Python that imports torch, which every fusion needs;
- ``bench run --dry-run`` of ten cells, at most 2 s, beside a Python that imports timm, of which backbones are made;
- the resume scan of 20,000 cells, at most 1 s: reading all records and finding out that every cell is done, without the
  imports, beside parsing the same file with ``json``. The records are those of ``results/reference/quick.jsonl`` with
  the keys of a plan of the whole zoo.

Run with nothing else on the machine: ``python benchmarks/start_up.py``.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from interleaved import in_turn, ratio, spread

if TYPE_CHECKING:
    from bench.sweep.config import SweepConfig

TEMPLATE = Path(__file__).resolve().parents[1] / "results" / "reference" / "quick.jsonl"
CELLS = 20_000
# Limit in seconds, and the same without this program.
COMMANDS = {
    "bench --help": (0.3, ["-m", "bench", "--help"], ["-c", "import typer"]),
    "bench list fusions": (3.0, ["-m", "bench", "list", "fusions"], ["-c", "import torch"]),
    "bench run --dry-run": (
        2.0,
        ["-m", "bench", "run", "--fusion", "abs_diff,concat", "--seed", "0..4", "--out", "no/such/run", "--dry-run"],
        ["-c", "import timm"],
    ),
}


def wall(arguments: list[str], number: int) -> float:
    """Seconds of one process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def fresh(work: Callable[[Path, int], float], folder: Path, cells: int, number: int) -> float:
    """What ``work`` measures in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, folder, cells).result()


def write_records(folder: Path, cells: int) -> float:
    """A finished run of the whole zoo over as many seeds as ``cells`` take; returns how many records it has."""
    from bench import zoo
    from bench.sweep.plan import make_plan

    zoo.load()
    records = map(json.loads, TEMPLATE.read_text().splitlines())
    template = next(record for record in records if record.get("status") == "ok")
    plan = make_plan(_config(folder, cells), {})
    with (folder / "records.jsonl").open("w") as file:
        for planned in plan.cells:
            own = {"key": planned.key, "fusion": str(planned.cell.fusion), "seed": planned.cell.seed}
            file.write(json.dumps({**template, "times": {"total": 1.0}, **own}, separators=(",", ":")) + "\n")
    return len(plan.cells)


def scan(folder: Path, cells: int) -> float:
    """Seconds from the records on disk to the line that says what is to do."""
    from bench import zoo
    from bench.backbones import BACKBONES
    from bench.records.folder import RunFolder, latest
    from bench.records.record import Attempt
    from bench.sweep.plan import expected_minutes, make_plan

    zoo.load()
    BACKBONES.load_built_in()
    # As the command does.
    gc.freeze()
    config = _config(folder, cells)
    started = time.perf_counter()
    records = RunFolder(folder).records(Attempt)
    plan = make_plan(config, latest(records))
    line = plan.summary(expected_minutes(plan, records, jobs=1))
    seconds = time.perf_counter() - started
    assert "to run" not in line, line
    return seconds


def parse(folder: Path, cells: int) -> float:
    """Seconds to parse the same file line by line."""
    started = time.perf_counter()
    with (folder / "records.jsonl").open() as file:
        for line in file:
            json.loads(line)
    return time.perf_counter() - started


def _config(folder: Path, cells: int) -> SweepConfig:
    from bench.fusion import FUSIONS
    from bench.sweep.config import load_config

    return load_config({"out": str(folder), "seed": f"0..{math.ceil(cells / len(list(FUSIONS)))}"})


def report(name: str, limit: float, ways: Mapping[str, Callable[[int], float]], rounds: int) -> None:
    """Seconds of both ways and their ratio."""
    values = in_turn(ways, rounds)
    ours, other = ways
    kept = "kept" if sorted(values[ours])[rounds // 2] <= limit else "NOT kept"
    print(f"{name:<22} {spread(values[ours], 2)} s, at most {limit:g} s: {kept}")
    print(f"{'':<22} {spread(ratio(values, ours, other), 2)} x {other}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cells", type=int, default=CELLS)
    options = parser.parse_args()
    for name, (limit, ours, other) in COMMANDS.items():
        ways = {name: partial(wall, ours), f"python {' '.join(other)}": partial(wall, other)}
        report(name, limit, ways, options.rounds)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        count = fresh(write_records, folder, options.cells, 0)
        measures = {way.__name__: partial(fresh, way, folder, options.cells) for way in (scan, parse)}
        report(f"resume scan, {count:,.0f} cells", 1.0, measures, options.rounds)


if __name__ == "__main__":
    main()
