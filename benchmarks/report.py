"""Time and memory of ``bench report`` and ``bench check`` for 20,000 records: the target is 4 s, with a baseline too.

Records are those of a real run with other fusions, seeds and scores. Each measurement is a process of its own, as a
user starts it, and stands beside the same command on a tenth of the records; the commands take turns:
``python benchmarks/report.py results/quick``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from interleaved import in_turn, ratio, spread

RECORDS, SEEDS = 20_000, 10
RUN = "{}"
COMMANDS = {
    "report": ["report", RUN],
    "report --baseline": ["report", RUN, "--baseline", "fusion0000"],
    "report --format json": ["report", RUN, "--format", "json"],
    "report --format html": ["report", RUN, "--format", "html"],
    "check": ["check", RUN, "--baseline", f"{RUN}/baseline.jsonl"],
}


def write(template: Path, out: Path, records: int) -> None:
    """Write ``records`` variations of the finished records of ``template``."""
    rng = random.Random(0)
    lines = (template / "records.jsonl").read_text().splitlines()
    ok = [record for record in map(json.loads, lines) if record["status"] == "ok"]
    places = sorted({(record["domain"], record["recipe_id"]) for record in ok})
    with (out / "records.jsonl").open("w") as file:
        for i in range(records):
            fusion, place, seed = i // (SEEDS * len(places)), places[i // SEEDS % len(places)], i % SEEDS
            record = rng.choice([record for record in ok if (record["domain"], record["recipe_id"]) == place])
            record |= {"fusion": f"fusion{fusion:04}", "family": "embedding", "role": "fusion", "knows": ""}
            record |= {"seed": seed, "key": f"{i:016x}"}
            for metrics in record["eval"].values():
                metrics["accuracy"] = rng.uniform(0.8, 0.95)
            file.write(json.dumps(record) + "\n")
    (out / "run.json").write_text((template / "run.json").read_text())


def measure(arguments: list[str]) -> tuple[float, float]:
    """Wall seconds and peak MB of ``bench`` with ``arguments``."""
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "bench", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"bench {' '.join(arguments)} ended with {child.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("template", type=Path, help="a run folder to take the form of the records from")
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folders = [Path(temporary, size) for size in ("all", "tenth")]
        for folder, records in zip(folders, (options.records, options.records // 10), strict=True):
            folder.mkdir()
            write(options.template, folder, records)
            measure(["check", str(folder), "--write-baseline", f"{folder}/baseline.jsonl"])
        for name, command in COMMANDS.items():
            peaks: list[float] = []

            def wall(folder: Path, number: int, command: list[str] = command, peaks: list[float] = peaks) -> float:
                seconds, peak = measure([part.format(folder) for part in command])
                peaks.append(peak)
                return seconds

            values = in_turn({folder.name: partial(wall, folder) for folder in folders}, options.rounds)
            times = f"{spread(ratio(values, 'all', 'tenth'), 1)} x a tenth of the records"
            print(f"{name:22} {spread(values['all'], 2)} s, {max(peaks):.0f} MB, {times}", flush=True)


if __name__ == "__main__":
    main()
