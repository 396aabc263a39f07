"""Choice of a memory format for each backbone by a short measurement, made once per machine.

Channels last is the default. Whether it is the faster one depends on the processor and on the backbone, which may be
any that a user names.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from bench import zoo
from bench.atomic import remove_stale, write_text_atomically
from bench.backbones import BACKBONES
from bench.cache_folder import cache_folder
from bench.domain import build_domain
from bench.fusion import FUSIONS, MapShape
from bench.model import build_model
from bench.processes import Ended, Worker
from bench.sweep.cell import Cell, digest
from bench.sweep.execution import DEFAULT_FORMAT, MEMORY_FORMATS
from bench.sweep.provenance import hardware
from bench.training.loop import fit
from bench.training.pairs import PairLearner
from bench.training.recipe import declared_recipe

POLL_SECONDS = 0.25
# A backbone of a user may take its time, and may never return.
LONGEST_SECONDS = 600.0
FUSION, BATCH, STEPS, ROUNDS = "concat", 64, 4, 5
# Less is noise, and a choice that falls this way today and that way tomorrow would change the rounding of a result.
LEAST_GAIN = 1.1
# Below so many training pairs of a backbone, the measurement costs more than it can bring.
WORTH_MEASURING = 200_000

Times = Mapping[str, Sequence[float]]


def choose_formats(
    cells: Iterable[Cell], threads: int, device: str, say: Callable[[str], None], include: Sequence[str] = ()
) -> dict[str, str]:
    """The memory format of every backbone that ``cells`` train long enough, where it is not ``channels_last``; ``say``
    is told where it could not be measured."""
    pairs: Counter[str] = Counter()
    trained_on: dict[str, tuple[MapShape, str]] = {}
    for cell in cells:
        if cell.protocol != "frozen":
            pairs[str(cell.backbone)] += cell.recipe.train_pairs * cell.recipe.epochs
            trained_on.setdefault(str(cell.backbone), (build_domain(cell.domain).image, cell.recipe.precision))
    chosen = {
        backbone: best_format(backbone, *trained_on[backbone], threads, device, say, include)
        for backbone, count in pairs.items()
        if count >= WORTH_MEASURING
    }
    return {backbone: choice for backbone, choice in chosen.items() if choice != DEFAULT_FORMAT}


def best_format(
    backbone: str,
    image: MapShape,
    precision: str,
    threads: int,
    device: str,
    say: Callable[[str], None],
    include: Sequence[str] = (),
) -> str:
    """The memory format whose training step is fastest, from the cache or measured in a fresh process.

    Another one than ``channels_last`` is chosen where it is at least ``LEAST_GAIN`` times as fast in the median and
    faster in every round. A backbone that cannot be measured keeps the default, and ``say`` is told why.
    """
    identity = _identity(backbone, image, precision, threads, device)
    card = cache_folder() / "layouts" / f"{digest(identity)}.json"
    choice = _kept(card, say)
    if choice is None:
        worker = Worker(torch.set_num_threads, (threads,), measure_formats)
        worker.send((backbone, image, precision, device, tuple(include)), LONGEST_SECONDS)
        try:
            while (times := worker.poll()) is None:
                worker.wait(POLL_SECONDS)
        finally:
            worker.stop()
        if isinstance(times, Ended):
            say(f"{backbone} computes in {DEFAULT_FORMAT}: others could not be measured: {times.message}")
            return DEFAULT_FORMAT
        choice = faster_format(times)
        write_text_atomically(card, json.dumps({**identity, "seconds_per_step": times, "choice": choice}, indent=2))
        remove_stale(card.parent)
    return choice


def _kept(card: Path, say: Callable[[str], None]) -> str | None:
    """The choice on a card; None where there is none, or ``say`` is told that it is damaged."""
    try:
        if not card.is_file():
            return None
        choice: str = json.loads(card.read_bytes())["choice"]
        if choice in MEMORY_FORMATS:
            return choice
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        pass
    say(f"{card}: not the card of a memory format; it is measured again")
    return None


def faster_format(times: Times) -> str:
    """The choice that seconds per step, by memory format and round, lead to."""
    default = times[DEFAULT_FORMAT]
    best = min(times, key=lambda name: statistics.median(times[name]))
    gains = [usual / other for usual, other in zip(default, times[best], strict=True)]
    clear = min(gains) > 1 and statistics.median(gains) >= LEAST_GAIN
    return best if clear else DEFAULT_FORMAT


def measure_formats(setting: tuple[str, MapShape, str, str, tuple[str, ...]]) -> dict[str, list[float]]:
    """Seconds per training step by memory format, in rounds that take turns.

    Args:
        setting: backbone, shape of one image, precision, device, plug-ins to load.
    """
    backbone, image, precision, device, include = setting
    zoo.load(include)
    steps = {name: _step(backbone, image, precision, layout, device) for name, layout in MEMORY_FORMATS.items()}
    for step in steps.values():
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            times[name].append((time.perf_counter() - started) / STEPS)
    return times


def _step(
    backbone: str, image: MapShape, precision: str, memory_format: torch.memory_format, device: str
) -> Callable[[], object]:
    """``STEPS`` steps of the training loop on noise; the loop waits for the device when it ends."""
    model = build_model(FUSIONS.settle(FUSION), backbone, image).compute_in(getattr(torch, precision))
    model = model.lay_out(memory_format).to(device)
    shape = BATCH, image.channels, image.height, image.width
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randint(256, shape, dtype=torch.uint8, generator=generator).to(device) for _ in range(2))
    recipe, classes = declared_recipe(backbone, "finetune", {}), torch.arange(BATCH) % 2
    learner = PairLearner(model, recipe, a, b, classes, classes.flip(0))

    def batches() -> Iterator[torch.Tensor]:
        return (torch.arange(BATCH) for _ in range(STEPS))

    return lambda: fit(learner, recipe, batches(), STEPS)


def _identity(backbone: str, image: MapShape, precision: str, threads: int, device: str) -> dict[str, Any]:
    """What the choice depends on."""
    machine = hardware()
    processor = {"cpu": machine["cpu"], "capability": machine["capability"], "gpus": machine["gpus"]}
    versions = {"torch": torch.__version__, **BACKBONES.settle(backbone).identity()}
    setting = {"image": asdict(image), "precision": precision, "device": device, "threads": threads}
    return {**processor, **versions, **setting}
