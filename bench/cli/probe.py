"""``bench probe``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from bench.cli.options import emit, load_zoo, options_of


@options_of("bench.probe.config:ProbeConfig", ("source",))
def probe(
    source: Annotated[
        Optional[str],
        typer.Argument(help="A stored model (file, or folder of one), or a warm-up: names, autoencoder:images=own."),
    ] = None,
    config: Annotated[
        Optional[Path], typer.Option(help="YAML file or built-in configuration, such as systems/s3.")
    ] = None,
    **given: Any,
) -> None:
    """What does a frozen encoder know of single images? Classifiers on its encodings, and retrieval of new classes.

    Prints accuracies of training, validation and test; writes tables, confusion matrices and all numbers to --out.
    Exit codes: 0 done, 2 bad input.
    """
    import torch
    from rich.console import Console

    from bench.probe.config import load_probe
    from bench.probe.deliver import deliver
    from bench.probe.run import run_probe
    from bench.probe.table import render
    from bench.text import say

    settings = load_probe({**given, **({} if source is None else {"source": source})}, config)
    load_zoo(settings.include)
    torch.set_num_threads(settings.threads)
    console = Console(stderr=True)
    result = run_probe(settings, lambda line: say(console, line))
    try:
        files = deliver(result, Path(settings.out))
        say(console, f"wrote {len(files)} files to {settings.out}: {', '.join(file.name for file in files)}")
    finally:
        emit(render(result))
