"""How near a training step and inference come to what the processor can do.

The floor of a backbone is its multiply-accumulates over the rate of the fastest matrix product measured here, one
thread, float32; a training step takes three times those of inference. Products and steps take turns. What a step takes
beyond its floor goes into operators that count as free: normalisation, activations, depthwise convolutions that do not
fill the vector units, copies. Run with nothing else on the machine: ``python benchmarks/floor.py``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import repeat

import torch
from interleaved import in_turn, spread

from bench import zoo
from bench.cost.macs import count_macs
from bench.speed.rows import Row
from bench.speed.steps import build, prepare

FUSION, BATCH, CALLS = "concat", 64, 8
BACKBONES = ("mobilenetv3_small_32", "tiny_vit", "resnet18")
SIZES = (512, 1024, 2048)
# Forward, and backward with respect to inputs and to weights.
PASSES = {"infer": 1, "train": 3}


def product_rate(size: int, number: int) -> float:
    """Multiply-accumulates per second of the product of two square matrices."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    a @ b
    started = time.perf_counter()
    for _ in range(CALLS):
        a @ b
    return CALLS * size**3 / (time.perf_counter() - started)


def rate(run: Callable[[object], None], pairs: int, number: int) -> float:
    """Pairs per second."""
    started = time.perf_counter()
    run(repeat(None, CALLS))
    return CALLS * pairs / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", default=list(BACKBONES))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    zoo.load()
    ways: dict[str, Callable[[int], float]] = {f"product of {size}": partial(product_rate, size) for size in SIZES}
    rows = {
        (backbone, mode): Row(FUSION, backbone, mode, BATCH, "cpu", "float32", "channels_last", threads=1)  # type: ignore[arg-type]
        for backbone in options.backbones
        for mode in PASSES
    }
    for (backbone, mode), row in rows.items():
        work = prepare(row, BATCH)
        work.run(repeat(None, 2))
        ways[f"{backbone} {mode}"] = partial(rate, work.run, work.pairs)
    values = in_turn(ways, options.rounds)
    peak = max(statistics.median(values[f"product of {size}"]) for size in SIZES)
    print(f"fastest product: {peak / 1e9:.0f} G multiply-accumulates per second on one thread")
    for (backbone, mode), row in rows.items():
        rates, macs = values[f"{backbone} {mode}"], PASSES[mode] * count_macs(build(row)).total
        floor = peak / macs
        share = statistics.median(rates) / floor
        print(
            f"{backbone:<20} {mode:<5} {macs / 1e6:7.1f} M a pair, floor {floor:>8,.0f} pairs/s, "
            f"measured {spread(rates, 0)}: {share:.0%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
