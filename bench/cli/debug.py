"""``bench debug``."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from bench.cli.options import emit, load_zoo, options_of

LEFT_OUT = (
    "fusion", "seed", "replicates", "first_replicate", "eval", "test_pairs", "match_params", "device", "executor",
    "jobs", "threads", "seeds_together", "checks", "timeout", "warmup_timeout", "retry", "observer", "profile",
    "tensorboard", "save", "store", "equivalence_margin", "gate_margin", "part", "out",
)  # fmt: skip


@options_of("bench.sweep.config:SweepConfig", LEFT_OUT)
def debug(
    fusion: Annotated[str, typer.Argument(help="The fusion that does not learn, as in bench run.")],
    seed: Annotated[int, typer.Option(min=0, help="Of training data, their order and the initialisation.")] = 0,
    out: Annotated[
        Optional[Path], typer.Option(help="Folder of the page and its pictures (default: results/debug/FUSION).")
    ] = None,
    **given: Any,
) -> None:
    """Why does it not learn? Everything that one tries by hand: a verdict in words, and a page with pictures.

    One training of 3,200 pairs, watched; one pair, two pairs and a batch by heart; one label alone; the loss times 10,
    100 and 1,000; extreme learning rates; scores and similarities by label; gradients by layer; samples.
    """
    import torch

    from bench.backbones import BACKBONES
    from bench.debug.run import debug as run

    # The networks are small: on busy cores more threads wait for each other.
    torch.set_num_threads(1)
    load_zoo(given.get("include"))
    BACKBONES.load_built_in()
    folder = out or Path("results/debug") / re.sub(r"[^\w.=+-]+", "-", fusion)[:120]
    settings = {**given, "fusion": [fusion], "seed": [seed]}
    emit(run(settings, shlex.join(["bench", *sys.argv[1:]]), folder, lambda line: typer.echo(line, err=True)))
