"""Training steps of this program against other loops that train the same network on the same pairs: three on a CPU,
five on a GPU, see ``training_loops.py``.

Counted are **pairs as drawn**: 64 a step for everyone. Ours in a sweep pairs every encoded image eight times; that
gives eight labelled pairs for each pair as drawn, stands in a line of its own, and earns no credit in the ratios.

Each way has a process of its own, of one thread, and the processes take turns. Run with nothing else on the machine:
``python benchmarks/training_step.py``.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context

from interleaved import Rounds, in_turn, ratio, spread, verdict
from training_loops import BATCH, FUSION, REPAIRED, REPAIRED_WAY, Setting, ways

# Ours over the other, at equal pairs, on a CPU.
TARGETS = {
    "mobilenetv3_small_32": {"plain loop": 2.0, "Lightning": 1.0, "best bare loop": 0.97},
    "tiny_vit": {"plain loop": 1.5, "Lightning": 1.0, "best bare loop": 0.97},
    "resnet18": {"plain loop": 1.1, "Lightning": 1.0, "best bare loop": 0.97},
}


@contextmanager
def process(environment: dict[str, str]) -> Iterator[ProcessPoolExecutor]:
    """One fresh process that sees ``environment`` besides ours."""
    before = dict(os.environ)
    os.environ.update(environment)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(os.getpid).result()
        os.environ.clear()
        os.environ.update(before)
        yield pool


def measure(setting: Setting, rounds: int) -> Rounds:
    """Pairs per second of every way, each in its process, in turn."""
    with ExitStack() as stack:
        measures = {}
        for name, (way, environment) in ways(setting.device).items():
            pool = stack.enter_context(process(environment))
            measures[name] = lambda number, pool=pool, way=way: pool.submit(way, setting).result()
        return in_turn(measures, rounds)


def report(backbone: str, device: str, values: Rounds) -> None:
    """Rates, the ratios that count, and what re-pairing adds."""
    for way, rates in values.items():
        print(f"{backbone:<20} {way:<16} {spread(rates, 0):>28} pairs/s")
    for other in values:
        ratios, least = ratio(values, "ours", other), TARGETS[backbone].get(other)
        if other not in ("ours", REPAIRED_WAY):
            shown = f"{spread(ratios, 2)} x" if device == "cuda" or least is None else verdict(ratios, least)
            print(f"{backbone:<20} ours / {other:<16} {shown}")
    labelled = [REPAIRED * rate for rate in ratio(values, REPAIRED_WAY, "plain loop")]
    print(f"{backbone:<20} labelled pairs with re-pairing / plain loop {spread(labelled, 1)} x, not counted above")
    share = statistics.median(ratio(values, REPAIRED_WAY, "ours"))
    print(f"{backbone:<20} re-pairing keeps {share:.0%} of the pairs as drawn per second", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--steps", type=int, default=40, help="timed steps a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args()
    print(f"{FUSION}, {BATCH} pairs a step, {options.steps} steps a round, {options.threads} threads; median (range)")
    for backbone in options.backbones:
        setting = Setting(backbone, options.steps, options.threads, options.device)
        report(backbone, options.device, measure(setting, options.rounds))


if __name__ == "__main__":
    main()
