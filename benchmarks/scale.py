"""How far one driver goes: the plan, the scheduler, the writer and the report of large sweeps, without the computing.

``bench run`` itself runs the sweep, in a process of its own, with an executor whose workers are simulated: each sleeps
for ``--seconds``, give or take a half, or not at all, and leaves what a cell of ``results/reference/quick.jsonl`` left,
with a file of scores, as a worker on another machine sends it. Then the same command is given again, which finds
everything done, and ``bench report`` reads the records. Told are seconds of the processor, which what else runs on the
machine hardly changes, seconds on the clock, and peak memory: ``python benchmarks/scale.py --cells 1000,10000``.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from heapq import heappop, heappush
from io import BytesIO
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar

from bench.executors import register_executor
from bench.executors.away import AwayExecutor, Delivery, End, received
from bench.executors.tasks import Line
from bench.sweep.worker import Result, Task

TEMPLATE = Path(__file__).resolve().parents[1] / "results" / "reference" / "quick.jsonl"
DOMAIN = "color"
# Of a record, what a worker measures.
MEASURED = "eval", "validation", "labelled_pairs", "cost", "execution", "status", "error"
PAIRS, FILES = 4_000, 8
MB = 2**20


@register_executor
class Simulated(AwayExecutor):
    """As many workers as --jobs says, which compute nothing.

    Args:
        seconds: that a worker sleeps for a cell, give or take a half.
    """

    name = "simulated"
    begun: ClassVar[float] = math.nan
    waited: ClassVar[float] = 0.0

    def __init__(self, workplace: Any, jobs: int | None, timeout: float | None, seconds: float = 0.0) -> None:
        super().__init__(workplace, jobs, timeout)
        self._seconds, self._chance = seconds, random.Random(0)
        lines = map(json.loads, TEMPLATE.read_text().splitlines())
        self._templates = [line for line in lines if line.get("domain") == DOMAIN and line["status"] == "ok"]
        self._scores = [scores_of(seed) for seed in range(FILES)]

    def run(self, tasks: Sequence[Task], on_poll: Callable[[], None]) -> Iterator[tuple[Task, list[Result]]]:
        Simulated.begun = time.process_time()
        line, numbers, at_work = Line(tasks), count(), list[tuple[float, int, int, Task]]()
        idle: list[tuple[int, Task | None]] = [(slot, None) for slot in range(self.jobs or 1)]
        while line or at_work:
            while idle and (task := line.take(before=idle[-1][1])):
                slot, _ = idle.pop()
                self._tell(slot, task)
                seconds = self._seconds * self._chance.uniform(0.5, 1.5)
                heappush(at_work, (time.monotonic() + seconds, next(numbers), slot, task))
            time.sleep(max(0.0, at_work[0][0] - time.monotonic()))
            # As many as a round may bring where workers need no time.
            for _ in range(len(at_work)):
                if at_work[0][0] > time.monotonic():
                    break
                ended, _, slot, task = heappop(at_work)
                Simulated.waited += time.monotonic() - ended
                idle.append((slot, task))
                line.ended(task)
                yield task, received(self.workplace, task, End(self._delivery(task), ""))
            on_poll()

    def _tell(self, slot: int, task: Task) -> None:
        """The news that a worker leaves: once, for the display alone is what they cost here."""
        file = self.workplace.progress / f"{slot}.json"
        if not file.exists():
            file.write_text(json.dumps({"kind": task.kind, "cell": str(task), "share": 0.5, "curve": [0.5, 0.75]}))

    def _delivery(self, task: Task) -> Delivery:
        if task.kind == "warmup":
            return Delivery([{"status": "ok", "warmup_seconds": 1.0}], {}, {})
        template = self._chance.choice(self._templates)
        tested = {DOMAIN: {**template["eval"][DOMAIN], "accuracy": self._chance.uniform(0.8, 0.95)}}
        result = {name: template[name] for name in MEASURED} | {"eval": tested, "times": {"total": 5.0}}
        return Delivery([result], {f"scores/{key}.npz": self._chance.choice(self._scores) for key in task.keys}, {})


def scores_of(seed: int) -> bytes:
    """A file of scores of the test pairs of a cell."""
    import numpy as np

    chance, file = np.random.default_rng(seed), BytesIO()
    label = (np.arange(PAIRS) % 2).astype(np.int8)
    scores = (4 * label - 2 + chance.normal(0, 2, PAIRS)).astype(np.float32)
    np.savez_compressed(file, **{DOMAIN: scores, f"{DOMAIN}/label": label})
    return file.getvalue()


def drive(folder: Path, cells: int, workers: int, seconds: float) -> dict[str, float]:
    """``bench run`` in this process: seconds and memory by what they were needed for."""
    from rich.console import Console

    from bench import zoo
    from bench.backbones import BACKBONES
    from bench.fusion import FUSIONS
    from bench.sweep.config import load_config
    from bench.sweep.run import run_sweep

    zoo.load()
    BACKBONES.load_built_in()
    given = {
        "fusion": "all",
        "seed": f"0..{math.ceil(cells / len(list(FUSIONS))) - 1}",
        "domain": DOMAIN,
        "eval": DOMAIN,
    }
    where = {"protocol": "frozen", "executor": f"simulated:seconds={seconds}", "jobs": workers, "out": str(folder)}
    config = load_config(given | where)
    before, since, clock = peak(), time.process_time(), time.perf_counter()
    with Path(os.devnull).open("w") as nowhere:
        code = run_sweep(config, ["bench", "run"], Console(file=nowhere))
    if code:
        raise SystemExit(f"the sweep ended with {code}")
    clock, all_of_it = time.perf_counter() - clock, time.process_time() - since
    plan = all_of_it if math.isnan(Simulated.begun) else Simulated.begun - since
    memory = peak()
    found = {"plan": plan, "run": all_of_it - plan, "clock": clock, "waited": Simulated.waited}
    return found | {"memory": memory, "own": memory - before}


def peak() -> float:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB


def fresh(*given: Any) -> dict[str, float]:
    """What :func:`drive` measures in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(drive, *given).result()


def report(folder: Path) -> tuple[float, float, float]:
    """Seconds of the processor and on the clock, and peak MB, of ``bench report``."""
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "bench", "report", str(folder)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"bench report ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss * 1024 / MB


def measure(cells: int, workers: int, seconds: float, below: Path) -> None:
    """One sweep, given twice, and its report, in lines."""
    with tempfile.TemporaryDirectory(dir=below) as temporary:
        folder = Path(temporary)
        ran = fresh(folder, cells, workers, seconds)
        file = folder / "records.jsonl"
        with file.open("rb") as opened:
            records = sum(1 for _ in opened)
        each = ran["run"] / records
        print(f"{records:,} records of {file.stat().st_size / records:,.0f} bytes, {workers:,} workers:")
        print(f"  plan      {ran['plan']:8.2f} s of CPU")
        print(f"  run       {ran['run']:8.2f} s of CPU, {each * 1e3:.2f} ms a cell: at most {1 / each:,.0f} cells/s")
        waits = f"; a worker waits {ran['waited'] / records * 1e3:.1f} ms until its result is taken" if seconds else ""
        print(f"            {ran['clock']:8.2f} s on the clock{waits}")
        print(f"  memory    {ran['memory']:8.0f} MB, {ran['own']:.0f} MB beside the imports")
        again = fresh(folder, cells, workers, seconds)
        print(f"  resume    {again['plan']:8.2f} s of CPU, {again['clock']:.2f} s on the clock, {again['own']:.0f} MB")
        cpu, clock, memory = report(folder)
        print(f"  report    {cpu:8.2f} s of CPU, {clock:.2f} s on the clock, {memory:.0f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", default="1000,10000", help="about so many, by commas")
    parser.add_argument("--workers", default="10,100,1000")
    parser.add_argument("--seconds", type=float, default=0.0, help="that a worker needs for a cell; 0: none")
    parser.add_argument("--below", type=Path, default=Path(tempfile.gettempdir()), help="folder for the runs")
    options = parser.parse_args()
    for cells in map(int, options.cells.split(",")):
        for workers in map(int, options.workers.split(",")):
            measure(cells, workers, options.seconds, options.below)


if __name__ == "__main__":
    main()
