"""Whether the statements of a report hold: size, coverage, power and errors of whole families, by simulation, and false
winners among runs of one fusion under many names.

The simulation draws scores of fusions that do not differ, with normal, skewed and heavy-tailed noise, and asks the
functions that the report asks; then accuracies of equal fusions on few test pairs, which are rounded. It prints two
Markdown tables, with what misses its target in bold: ``python benchmarks/inference.py``. Null runs train one fusion
under ``names x n`` seeds, hand them out to names at random, many times, and count how often ``bench report`` finds a
winner: ``benchmarks/inference.py --null OUT``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import bench
from bench.markup import align
from bench.metrics import METRICS
from bench.stats.multiplicity import holm
from bench.stats.paired import NOTHING, Mean, Shared, mean_of
from bench.stats.ties import tie_group

Array = NDArray[np.float64]
Draw = Callable[[tuple[int, ...]], Array]

BLOCKS = (3, 5, 10, 20)
FAMILIES = (11, 69)
# Accuracy, and test pairs.
ROUNDED = ((0.98, 100), (0.98, 200), (0.9, 100), (0.98, 4_000))
SAMPLES, SAMPLES_OF_FAMILIES = 40_000, 4_000
ALPHA = 0.05
MARGIN = 1.0  # in standard deviations of a difference


def noises(rng: np.random.Generator) -> dict[str, tuple[Draw, float]]:
    """Draws of standardised noise of a run, and how wide that of the baseline is beside that of the others."""
    return {
        "normal": (rng.standard_normal, 1.0),
        "exponential": (lambda shape: rng.exponential(size=shape) - 1, 1.0),
        "t with 3 degrees": (lambda shape: rng.standard_t(3, shape) / np.sqrt(3), 1.0),
        "exponential, baseline half as wide": (lambda shape: rng.exponential(size=shape) - 1, 0.5),
    }


def simulated() -> Iterator[list[str]]:
    """A row for each noise and number of blocks."""
    rng = np.random.default_rng(0)
    for name, (draw, width) in noises(rng).items():
        for n in BLOCKS:
            yield [name, str(n), *_cells(draw, width, n)]


def _cells(draw: Draw, width: float, n: int) -> Iterator[str]:
    sd = np.sqrt(1 + width**2)
    single = (draw((SAMPLES, n)) - width * draw((SAMPLES, n))) / sd
    found = mean_of(single)
    yield _at_most(found.p_apart() <= ALPHA)
    yield _about(np.abs(found.value) <= found.half_width(1 - ALPHA))
    yield f"{100 * np.mean(mean_of(single + 1).p_apart() <= ALPHA):.0f}"
    yield _at_most(mean_of(single + MARGIN).p_within(MARGIN) <= ALPHA)
    for k in FAMILIES:
        scores = draw((SAMPLES_OF_FAMILIES, n, k + 1))
        scores[..., 0] *= width
        yield from _of_families(scores, NOTHING)


def _of_families(scores: Array, shared: Shared) -> Iterator[str]:
    """Errors in ``scores`` (samples, blocks, fusions)."""
    yield _at_most(_any_winner(mean_of(np.moveaxis(scores[..., 1:] - scores[..., :1], 1, -1), shared)))
    # All are best: the first is lost where it is left out.
    yield _at_most(np.array([not tie_group(one, 1, step=float(shared.step))[0] for one in scores]))


def rounded() -> Iterator[list[str]]:
    """A row for each accuracy, number of pairs and number of blocks."""
    rng = np.random.default_rng(0)
    for accuracy, pairs in ROUNDED:
        shared = Shared(0.0, step=METRICS.get("accuracy").step(pairs))
        for n in BLOCKS:
            row = [f"{accuracy:g}", f"{pairs:,}", str(n)]
            for k in FAMILIES:
                scores = rng.binomial(pairs, accuracy, (SAMPLES_OF_FAMILIES, n, k + 1)) / pairs
                row += _of_families(scores, shared)
            yield row


def _any_winner(found: Mean) -> NDArray[np.bool_]:
    """For each sample whether any of its family is called different."""
    return np.array([(holm(p) <= ALPHA).any() for p in found.p_apart()])


def _at_most(errors: NDArray[np.bool_]) -> str:
    """A rate of errors in per cent, bold where it is surely above ``ALPHA``."""
    rate = float(np.mean(errors))
    slack = 3 * np.sqrt(ALPHA * (1 - ALPHA) / len(errors))
    text = f"{100 * rate:.1f}"
    return f"**{text}**" if rate > ALPHA + slack else text


def _about(covered: NDArray[np.bool_]) -> str:
    """Coverage in per cent, bold where it is more than 1.5 points off."""
    rate = float(np.mean(covered))
    text = f"{100 * rate:.1f}"
    return f"**{text}**" if abs(rate - (1 - ALPHA)) > 0.015 else text


def simulate() -> None:
    """Print the tables of the simulation."""
    header = ["noise of a run", "n", "size", "coverage", "power at 1 sd", "equivalent at the margin"]
    header += [text for k in FAMILIES for text in (f"family of {k}", f"best of {k + 1} lost")]
    print(align(header, list(simulated()), left=1))
    print(align(["accuracy", "test pairs", "n", *header[-2 * len(FAMILIES) :]], list(rounded()), left=0))


def null_runs(out: Path, names: int, n: int, shuffles: int) -> None:
    """Train once, hand the runs out to names ``shuffles`` times, and count the families with a false winner."""
    asked = ["--fusion", "abs_diff", "--domain", "color", "--protocol", "frozen", "--seed", f"0..{names * n - 1}"]
    subprocess.run([sys.executable, "-m", "bench", "run", *asked, "--out", str(out)], check=True)
    lines = (out / "records.jsonl").read_text().splitlines()
    records = [record for record in map(json.loads, lines) if record.get("status") == "ok"]
    if len(records) < names * n:
        raise SystemExit(f"{len(records)} of {names * n} runs finished: start it again")
    rng = np.random.default_rng(0)
    wrong, lost, called = 0, 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "run.json").write_text((out / "run.json").read_text())
        for _ in range(shuffles):
            order = rng.permutation(names * n).tolist()
            named = [
                records[place] | {"fusion": f"null{i // n:02}", "seed": i % n, "key": f"{i:016x}"}
                for i, place in enumerate(order)
            ]
            (folder / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in named))
            results = bench.load(folder)
            verdicts = results.compare("null00")["verdict"]
            differ = int(verdicts.isin(["better", "worse"]).sum())
            wrong, called = wrong + (differ > 0), called + differ
            rows = json.loads(results.render("json"))["rows"]
            lost += sum(row["tie_group"] is False for row in rows if row["eval_domain"] == "color")
    families = f"{names - 1} comparisons, {n} seeds each, {shuffles} times"
    print(f"families with a false winner: {wrong} of {shuffles} ({100 * wrong / shuffles:.1f} %; {families})")
    print(f"false winners: {called}; left out of the tie group: {lost} of {names * shuffles}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--null", type=Path, metavar="OUT", help="a run folder for null runs in place of the simulation"
    )
    parser.add_argument("--names", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=10, help="of each name")
    parser.add_argument("--shuffles", type=int, default=200)
    options = parser.parse_args()
    if options.null:
        null_runs(options.null, options.names, options.seeds, options.shuffles)
    else:
        simulate()


if __name__ == "__main__":
    main()
