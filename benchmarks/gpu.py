"""What a GPU changes: are its numbers those of the CPU, and how fast are they there?

Every part runs the program as a user does, in processes of its own, and leaves its figures in one small JSON file as
soon as it has them; a part that fails says why and the others go on. On a machine with a GPU and this repository:

    make gpu                # with the environment of the repository; no network: make gpu WHEELS=folder/of/wheels
    python benchmarks/gpu.py --device cuda --out results/gpu

``--device cpu`` with ``--small`` is the same on tiny sweeps, so that nothing here is only tried where a GPU is.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pandas import DataFrame
from training_loops import Setting
from training_step import measure

from bench import load
from bench.atomic import write_text_atomically
from bench.sweep.execution import default_jobs
from bench.sweep.provenance import provenance

ROOT = Path(__file__).resolve().parents[1]
BACKBONES = "mobilenetv3_small_32", "resnet18"
# Accuracy of the same cell on both devices, in points: training rounds otherwise, and goes another way.
MEAN_TOLERANCE, TEST_PAIRS = 1.0, 2_000
# One for all parts of the small run, so that it is computed once.
SMALL_WARMUP = "1280"
# A join of embeddings, of tokens and of maps.
TIMED = "concat", "cross_attention", "fmap_diff"

Figures = dict[str, Any]
Part = Iterator[Figures]


@dataclass(frozen=True)
class Place:
    """Where everything is measured: ``device`` against the CPU, records and logs in ``out``."""

    device: str
    out: Path
    small: bool

    def run(self, name: str, *arguments: str, allowed: Sequence[int] = (0,)) -> tuple[float, str]:
        """Run Python with ``arguments``; returns seconds and what it wrote to stdout. Its stderr goes to a log.

        Raises:
            RuntimeError: it ended with a code that is not ``allowed``.
        """
        log = self.out / f"{name}.log"
        started = time.perf_counter()
        with log.open("w") as errors:
            done = subprocess.run(
                [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT
            )
        seconds = time.perf_counter() - started
        if done.returncode not in allowed:
            last = (log.read_text().strip() or done.stdout.strip()).splitlines()[-1:]
            raise RuntimeError(f"ended with {done.returncode}: {' '.join(last)}; see {log}")
        return seconds, done.stdout

    def sweep(self, name: str, *options: str) -> tuple[float, DataFrame]:
        """``bench run`` into a folder of its own; returns seconds and the frame of its records."""
        folder = self.out / name
        seconds, _ = self.run(name, "-m", "bench", "run", *options, "--out", str(folder), allowed=(0, 3))
        return seconds, load(folder).frame()

    @property
    def quick(self) -> tuple[str, ...]:
        """The quick sweep, whole or in small."""
        small = ("--fusion", "abs_diff,concat,mask_oracle", "--seed", "0", "--domain", "color")
        fewer = (
            "--recipe",
            "train_pairs=640,val_pairs=200",
            "--warmup-recipe",
            f"images={SMALL_WARMUP}",
            "--test-pairs",
            "200",
        )
        return ("--config", "configs/quick.yaml", *((*small, *fewer) if self.small else ()))

    @property
    def frozen(self) -> tuple[str, ...]:
        """Every fusion on a frozen backbone, from the warm-up of the quick sweep."""
        what = ("--fusion", "concat,cosine", "--seed", "0") if self.small else ("--fusion", "all", "--seed", "0")
        sizes = ("--recipe", "train_pairs=640,val_pairs=200") if self.small else ()
        images = SMALL_WARMUP if self.small else "66560"
        fixed = ("--protocol", "frozen", "--warmup-recipe", f"images={images}", "--eval", "color")
        return (*what, *fixed, *sizes, "--test-pairs", "200" if self.small else str(TEST_PAIRS))


def tests(place: Place) -> Part:
    """The tests marked ``cuda``, on the device."""
    chosen = ("-k", "first_step and (abs_diff or concat) or same_numbers") if place.small else ()
    at_once = () if place.small else ("-n", str(min(16, os.cpu_count() or 1)))
    command = ("-m", "pytest", "-m", "cuda", "tests", "--device", place.device, "-p", "no:cacheprovider", *at_once)
    seconds, said = place.run("tests", *command, *chosen, allowed=(0, 1))
    (place.out / "tests.txt").write_text(said)
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", said)}
    yield {"seconds": seconds, **counts, "failed_tests": re.findall(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)}


def quick(place: Place) -> Part:
    """The quick sweep on both devices."""
    yield from _against_the_cpu(place, "quick", place.quick)


def frozen(place: Place) -> Part:
    """Every fusion on a frozen backbone on both devices, and on the device with one worker."""
    yield from _against_the_cpu(place, "frozen", place.frozen)
    seconds, _ = place.sweep("frozen-alone", *place.frozen, "--device", place.device, "--jobs", "1")
    yield {"seconds_of_one_worker": seconds}


def _against_the_cpu(place: Place, name: str, options: Sequence[str]) -> Part:
    """The same sweep on the CPU and on the device: seconds, and accuracies of the same cells."""
    cpu_seconds, on_cpu = place.sweep(f"{name}-cpu", *options, "--device", "cpu")
    yield {"seconds_on_cpu": cpu_seconds, "workers_on_cpu": default_jobs("cpu", 1)}
    with GpuMemory(place.device) as memory:
        seconds, here = place.sweep(f"{name}-device", *options, "--device", place.device)
    yield {"seconds": seconds, "workers": default_jobs(place.device, 1), "peak_mib": memory.peak_mib}
    yield {"cells": here["key"].nunique(), **_agreement(on_cpu, here)}


def _agreement(on_cpu: DataFrame, here: DataFrame) -> Figures:
    """How far accuracies on the domain trained on lie apart, in points: of cells, and of means over their seeds."""
    both = on_cpu.merge(here, on=["key", "eval_domain", "fusion", "domain"], suffixes=("_cpu", ""))
    other = both[both["status"] != both["status_cpu"]]
    trained_on = both[both["eval_domain"] == both["domain"]]
    gap = 100 * (trained_on["accuracy"] - trained_on["accuracy_cpu"])
    means = gap.groupby([trained_on["fusion"], trained_on["domain"]]).mean()
    beyond = means[means.abs() > MEAN_TOLERANCE]
    return {
        "cells_compared": len(trained_on),
        "other_status": sorted(set(other["fusion"] + ": " + other["status_cpu"] + " is " + other["status"])),
        "median_gap": float(gap.abs().median()),
        "largest_gap": float(gap.abs().max()),
        "mean_gap": float(gap.mean()),
        "largest_gap_of_means": float(means.abs().max()),
        "beyond_tolerance": {f"{fusion} on {domain}": gap for (fusion, domain), gap in beyond.items()},
        "tolerance": MEAN_TOLERANCE,
    }


class GpuMemory:
    """The most that all processes take on the first GPU at a time, as its driver counts: asked four times a second."""

    def __init__(self, device: str) -> None:
        self.device, self.peak_mib = device, 0
        self._asking: subprocess.Popen[str] | None = None

    def __enter__(self) -> GpuMemory:
        if self.device == "cuda":
            command = [
                "nvidia-smi",
                "--query-gpu=memory.used",
                "--format=csv,noheader,nounits",
                "-i",
                "0",
                "-lms",
                "250",
            ]
            self._asking = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._asking:
            self._asking.terminate()
            self.peak_mib = max(map(int, self._asking.communicate()[0].split()), default=0)


def together(place: Place) -> Part:
    """Training ten seeds of a frozen fusion in one pass against one after the other: steps per second, as a ratio."""
    few = ("--seeds", "2", "--train-pairs", "128", "--warmup-images", SMALL_WARMUP) if place.small else ()
    for fusion in TIMED[:1] if place.small else TIMED:
        command = ("--device", place.device, "--fusion", fusion, "--rounds", "1", *few)
        _, said = place.run(f"together-{fusion}", "benchmarks/seeds_together.py", *command)
        yield {fusion: " ".join(said.split()[2:])}


def training(place: Place) -> Part:
    """Pairs as drawn per second of a training step, ours and others': median of the rounds."""
    steps, rounds = (2, 1) if place.small else (100, 3)
    for backbone in BACKBONES[:1] if place.small else BACKBONES:
        rates = measure(Setting(backbone, steps, 1, place.device), rounds)
        yield {backbone: {way: statistics.median(each) for way, each in rates.items()}}


def speed(place: Place) -> Part:
    """``bench speed`` on both devices, pairs per second."""
    devices = "cpu" if place.device == "cpu" else f"cpu,{place.device}"
    batches = "1,32" if place.small else "1,32,512"
    for mode in ("infer", "train"):
        command = ("--fusion", "concat", "--device", devices, "--batch", batches, "--rounds", "1", "--mode", mode)
        where = ("--format", "json", "--out", str(place.out / "speed"))
        _, said = place.run(f"speed-{mode}", "-m", "bench", "speed", *command, *where, allowed=(0, 3))
        rows = [row for row in json.loads(said) if row["status"] == "ok"]
        yield {f"{row['device']} {mode} {row['batch']}": row["pairs_per_s"] for row in rows}


PARTS: Mapping[str, Callable[[Place], Part]] = {
    part.__name__: part for part in (tests, quick, frozen, together, training, speed)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--small", action="store_true", help="tiny sweeps: does everything run?")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, default=Path("results/gpu"))
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("--device cuda: torch finds no GPU here; try --device cpu --small")
    options.out.mkdir(parents=True, exist_ok=True)
    place = Place(options.device, options.out.resolve(), options.small)
    broken = [name for name in options.parts if not _measured(place, name)]
    if broken:
        raise SystemExit(f"failed: {', '.join(broken)}; see {place.out}")


def _measured(place: Place, name: str) -> bool:
    """Measure one part and keep what it yields as it comes, beside what was measured before; returns whether all of it
    was, and no test failed."""
    file = place.out / "gpu.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    started, figures = time.perf_counter(), {"measured": {**provenance(), "device": place.device, "small": place.small}}
    try:
        for some in PARTS[name](place):
            figures |= _rounded(some)
            write_text_atomically(file, json.dumps(found | {name: figures}, indent=1) + "\n")
    except Exception as error:
        figures["error"] = f"{type(error).__name__}: {error}"
        write_text_atomically(file, json.dumps(found | {name: figures}, indent=1) + "\n")
    shown = json.dumps({key: value for key, value in figures.items() if key != "measured"})
    print(f"{name}, {time.perf_counter() - started:.0f} s: {shown}", flush=True)
    return "error" not in figures and not figures.get("failed_tests") and not figures.get("beyond_tolerance")


def _rounded(value: Any) -> Any:
    """Floats of four figures, in whatever holds them."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    main()
