"""A whole frozen sweep against a script that trains each cell by itself and encodes its pairs again.

Ours is ``bench run --protocol frozen`` with every fusion that allows it, from plan to records. Theirs takes one cell
after the other with one thread per core, as a user would write it: for each batch the frozen backbone is called once
for each image of a pair, fusion and head take a plain AdamW step, and at the end validation and test pairs are encoded
and scored. Both train on the same pairs, as drawn, and start from a warm-up that is there.

Theirs would take hours, so that it does a sample of cells, half before ours and half after it, and its time is the mean
of the sample times the number of cells: ``python benchmarks/frozen.py``.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from interleaved import spread
from torch import nn

from bench import zoo
from bench.domain import Pairs, build_domain
from bench.model import PairModel, build_model
from bench.records.folder import RunFolder
from bench.records.record import Attempt
from bench.sweep.cell import Cell
from bench.sweep.config import load_config
from bench.sweep.plan import make_plan
from bench.sweep.prepare import ensure_warmup
from bench.training import warmup

BACKBONE, DOMAIN = "mobilenetv3_small_32", "color"
TEST_BATCH = 256


def cells_of(seeds: int) -> list[Cell]:
    """Every fusion that the frozen protocol allows, with every seed; controls and references are left out."""
    settings = {"backbone": BACKBONE, "domain": DOMAIN, "eval": DOMAIN, "seed": f"0..{seeds - 1}", "protocol": "frozen"}
    plan = make_plan(load_config({"fusion": "all", **settings}), {})
    cells = [planned.cell for planned in plan.having("to run")]
    return [cell for cell in cells if cell.fusion.cls.role == "fusion"]


def ours(cells: Sequence[Cell], seeds: int, together: int) -> float:
    """Seconds of the sweep, with up to ``together`` seeds trained in one pass."""
    fusions = ",".join(dict.fromkeys(str(cell.fusion) for cell in cells))
    with tempfile.TemporaryDirectory() as folder:
        options = f"--backbone {BACKBONE} --protocol frozen --domain {DOMAIN} --eval {DOMAIN} --seed 0..{seeds - 1}"
        command = [sys.executable, "-m", "bench", "run", "--fusion", fusions, *options.split()]
        command += ["--seeds-together", str(together), "--out", folder]
        started = time.perf_counter()
        code = subprocess.run(command, stderr=subprocess.DEVNULL).returncode
        seconds = time.perf_counter() - started
        ended = Counter(record.status for record in RunFolder(Path(folder)).records(Attempt))
    # A known failure collapses, as it should.
    if ended["ok"] + ended["collapsed"] != len(cells):
        raise SystemExit(f"bench run ended with {code}, and its cells with {dict(ended)}")
    return seconds


def theirs(cell: Cell) -> float:
    """Seconds of one cell."""
    started = time.perf_counter()
    domain, recipe = build_domain(cell.domain), cell.recipe
    model = build_model(cell.fusion, str(cell.backbone), seed=cell.seed).lay_out(torch.contiguous_format)
    start = ensure_warmup(cell)
    assert start is not None
    for tower in model.towers:
        warmup.load_into(tower, start.path)
        tower.requires_grad_(False)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if trained:
        _train(model, trained, domain.draw("train", cell.seed, recipe.train_pairs), recipe.batch_size, recipe.lr)
    _score(model, domain.draw("val", 0, recipe.val_pairs))
    _score(model, domain.draw("test", 0, cell.test_pairs))
    return time.perf_counter() - started


def _train(model: PairModel, trained: list[nn.Parameter], pairs: Pairs, batch_size: int, lr: float) -> None:
    optimizer, criterion = torch.optim.AdamW(trained, lr=lr), nn.BCEWithLogitsLoss()
    sides = (pairs.a.pixels, pairs.b.pixels, pairs.label.float())
    for a, b, label in zip(*(side.split(batch_size) for side in sides), strict=True):
        model.eval()
        with torch.no_grad():
            u, v = model.encode(a), model.encode(b)
        model.train()
        loss = criterion(model.compare(u, v), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _score(model: PairModel, pairs: Pairs) -> None:
    model.eval()
    with torch.no_grad():
        for a, b in zip(pairs.a.pixels.split(TEST_BATCH), pairs.b.pixels.split(TEST_BATCH), strict=True):
            model.compare(model.encode(a), model.encode(b))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--together", type=int, default=1, help="seeds that ours trains in one pass")
    parser.add_argument("--sample", type=int, default=40, help="cells that the script does")
    options = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    zoo.load()
    cells = cells_of(options.seeds)
    ensure_warmup(cells[0])
    sample = random.Random(0).sample(cells, min(options.sample, len(cells)))
    half = len(sample) // 2
    each = [theirs(cell) for cell in sample[:half]]
    seconds = ours(cells, options.seeds, options.together)
    each += [theirs(cell) for cell in sample[half:]]
    total = statistics.mean(each) * len(cells)
    print(f"ours: {len(cells)} cells in {seconds:.0f} s")
    print(
        f"one by one: {spread(each, 1)} s a cell, {len(each)} measured; all in {total:,.0f} s: {total / seconds:.1f} x"
    )


if __name__ == "__main__":
    main()
