"""``bench export data``: a fixed set of pairs as images and a list."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from bench.cli.options import IncludeOption, load_zoo

if TYPE_CHECKING:
    from bench.domain import Split

SPLITS: tuple[Split, ...] = ("train", "val", "test")


def data(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="A domain, as --domain of bench run takes it.")],
    n: Annotated[int, typer.Option("--n", min=1, max=100_000, help="Pairs drawn of each split.")] = 1000,
    split: Annotated[str, typer.Option(help="train, val or test; several with commas.")] = "test",
    seed: Annotated[int, typer.Option(min=0, help="Of the draw; bench run --seed tests on seed 0.")] = 0,
    out: Annotated[
        Optional[Path], typer.Option(help="New folder; by default one of the domain's name in the current folder.")
    ] = None,
    include: IncludeOption = None,
) -> None:
    """Write pairs of a domain as PNG images and a CSV file of pairs, labels and latents: a fixed set for any program.

    The domain of lists of pairs reads it back to the same pixels.
    """
    from bench.catalogue.fixed_set import export_pairs
    from bench.domain import DOMAINS, build_domain
    from bench.records.columns import choose
    from bench.text import count_of, without_home

    load_zoo(include)
    asked = choose(split, SPLITS, "--split")
    splits = [name for name in SPLITS if name in asked]
    chosen = DOMAINS.settle(domain)
    folder = out or Path(re.sub(r"[^\w.+-]+", "-", str(chosen))[:100].strip("-."))
    done = export_pairs(build_domain(chosen), splits, seed, n, folder)
    told = f"{count_of(done.pairs, 'pair', 'pairs')} of {count_of(done.images, 'image', 'images')}"
    typer.echo(f"wrote {without_home(str(done.file))}: {told}", err=True)
    if done.left_out:
        pairs = count_of(done.left_out, "drawn pair is", "drawn pairs are")
        typer.echo(f"{pairs} left out: a repetition, or an image with itself", err=True)
