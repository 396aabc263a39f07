"""``bench choose``."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from bench.cli.options import emit, options_of

LEFT_OUT = (
    "seed", "replicates", "first_replicate", "eval", "match_params", "seeds_together", "retry", "observer", "profile",
    "tensorboard", "part", "store", "gate_margin", "out",
)  # fmt: skip


@options_of("bench.sweep.config:SweepConfig", LEFT_OUT)
def choose(
    budget: Annotated[str, typer.Option(help="Wall clock: 90s, 30m, 2h. What would not fit is not started.")] = "30m",
    select: Annotated[str, typer.Option(help="Metric of the validation pairs that decides.")] = "auc",
    cost: Annotated[
        str, typer.Option(help="What decides among those that tie: none (the best score), infer_ms or params.")
    ] = "none",
    finalists: Annotated[int, typer.Option(min=2, max=100, help="Fine-tuned at most, after frozen screening.")] = 4,
    baseline: Annotated[
        str, typer.Option(help="Fusion that is tested beside the best, whatever it scored.")
    ] = "concat",
    out: Annotated[str, typer.Option(help="Folder of the race.")] = "results/choose",
    **given: Any,
) -> None:
    """Which fusion for these pairs? A race: frozen screening, finalists, one look at the test set.

    A fusion is dropped only where it is surely worse on validation pairs. Interrupted or repeated, the same command
    goes on; done, it prints the answer. --protocol is finetune or frozen, as screening needs a warm-up.

    Exit codes: 0 answered, 2 bad input, 3 no fusion finished, 130 interrupted.
    """
    import gc

    from rich.console import Console

    from bench.backbones import BACKBONES
    from bench.choose.deliver import choose as run
    from bench.choose.question import read_question
    from bench.sweep.config import load_config

    sweep = load_config({"save": "best", **given, "out": out})
    question = read_question(sweep, budget, select, cost, finalists, baseline)
    BACKBONES.load_built_in()
    gc.freeze()
    text, code = run(question, ["bench", *sys.argv[1:]], Console(stderr=True))
    if text:
        emit(text)
    raise typer.Exit(code)
