"""A whole finetune sweep against a script that trains each cell by itself from scratch.

Ours is ``bench run`` with an empty cache, so the shared warm-up is in its time, with everything else that a sweep does.
Theirs trains every cell from random weights on pairs that never repeat, by the shortest loop there is (``best_step`` of
``training_loops.py``), as many cells at once as ours, and for up to ``--budget`` times the time that ours took; only
its training steps are timed, not drawing the pairs and testing; its learning rate is constant. Both are tested on the
same pairs.

Every cell from scratch gets the same time, a cell's share of ours, so that a sample tells the mean: the first seeds of
each fusion. Printed are the mean accuracy of ours, that of theirs after each half of our time, and the multiple at
which theirs is as good, or that it never is: ``python benchmarks/sweep.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import count, product
from multiprocessing import get_context
from pathlib import Path

import torch
from training_loops import ALLOCATOR, BATCH, best_step

from bench import zoo
from bench.domain import build_domain
from bench.evaluation.scoring import score_pairs
from bench.model import build_model
from bench.spec import parse_spec

# One or two of every place where streams meet, without those that need another warm-up.
ESSENTIALS = (
    "abs_diff,concat,heuristic,hadamard,cosine,neg_l2,"
    "bilinear,low_rank_bilinear,film,cross_attention,fmap_diff,siamese_fc"
)
BACKBONE, DOMAIN = "mobilenetv3_small_32", "color"
# Pairs are drawn by the chunk, each from a seed of its own.
CHUNK, MOST_CHUNKS = 6_400, 10_000
POINTS_PER_MULTIPLE = 2


@dataclass(frozen=True)
class Job:
    """One cell trained from scratch: seconds of training after which it is tested, in order."""

    fusion: str
    seed: int
    seconds: tuple[float, ...]
    test_pairs: int


def sweep(fusions: Sequence[str], options: argparse.Namespace) -> tuple[float, float]:
    """Wall seconds and mean accuracy of ``bench run``."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "bench", "run", "--fusion", ",".join(fusions), "--backbone", BACKBONE),
            *("--domain", DOMAIN, "--eval", DOMAIN, "--seed", f"0..{options.seeds - 1}", "--jobs", str(options.jobs)),
            *("--test-pairs", str(options.test_pairs), "--out", f"{folder}/run"),
            *(("--recipe", options.recipe) if options.recipe else ()),
            *(("--warmup-recipe", options.warmup_recipe) if options.warmup_recipe else ()),
        ]
        started = time.perf_counter()
        subprocess.run(command, check=True, env={**os.environ, "FUSEBENCH_CACHE": f"{folder}/cache"})
        seconds = time.perf_counter() - started
        records = [json.loads(line) for line in Path(folder, "run", "records.jsonl").read_text().splitlines()]
    return seconds, statistics.mean(record["eval"][DOMAIN]["accuracy"] for record in records)


def from_scratch(job: Job) -> list[float]:
    """Accuracy after each of ``job.seconds``."""
    torch.set_num_threads(1)
    zoo.load()
    domain = build_domain(DOMAIN)
    model = build_model(parse_spec(job.fusion), BACKBONE, seed=job.seed)
    step, test = best_step(model), domain.draw("test", 0, job.test_pairs)
    accuracies: list[float] = []
    spent, chunks = 0.0, count(job.seed * MOST_CHUNKS)
    while len(accuracies) < len(job.seconds):
        pairs = domain.draw("train", next(chunks), CHUNK)
        sides = [part.split(BATCH) for part in (pairs.a.pixels, pairs.b.pixels, pairs.label.float())]
        for batch in zip(*sides, strict=True):
            model.train()
            started = time.perf_counter()
            step(*batch)
            spent += time.perf_counter() - started
            while len(accuracies) < len(job.seconds) and spent >= job.seconds[len(accuracies)]:
                right = (score_pairs(model, test.a.pixels, test.b.pixels) > 0) == test.label.numpy()
                accuracies.append(float(right.mean()))
    return accuracies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fusion", default=ESSENTIALS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sample", type=int, default=2, help="seeds that are trained from scratch")
    parser.add_argument("--budget", type=int, default=5, help="multiples of our time that the script may take")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--test-pairs", type=int, default=2_000)
    parser.add_argument("--recipe", help="fields of the recipe of our sweep that differ, for a trial")
    parser.add_argument("--warmup-recipe", help="fields of the warm-up recipe that differ, for a trial")
    options = parser.parse_args()
    fusions = options.fusion.split(",")
    seconds, accuracy = sweep(fusions, options)
    planned = len(fusions) * options.seeds
    print(f"ours: {planned} cells in {seconds:.0f} s with the warm-up, mean accuracy {accuracy:.3f}", flush=True)
    share = seconds * options.jobs / planned
    multiples = [point / POINTS_PER_MULTIPLE for point in range(1, options.budget * POINTS_PER_MULTIPLE + 1)]
    sample = product(fusions, range(min(options.sample, options.seeds)))
    jobs = [Job(name, seed, tuple(m * share for m in multiples), options.test_pairs) for name, seed in sample]
    os.environ |= ALLOCATOR
    with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
        curves = list(pool.map(from_scratch, jobs))
    means = [statistics.mean(values) for values in zip(*curves, strict=True)]
    for multiple, mean in zip(multiples, means, strict=True):
        print(f"from scratch after {multiple:>4g} x our time: mean accuracy of {len(jobs)} cells {mean:.3f}")
    reached = [multiple for multiple, mean in zip(multiples, means, strict=True) if mean >= accuracy]
    found = f"after {reached[0]:g} x" if reached else f"not within {options.budget} x"
    print(f"from scratch as good as ours: {found} our time")


if __name__ == "__main__":
    main()
