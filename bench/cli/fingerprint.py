"""``bench fingerprint``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import emit
from bench.errors import UsageError


def fingerprint(
    file: Annotated[Path, typer.Option(help="Published values.")] = Path("results/reference/fingerprints.json"),
    write: Annotated[bool, typer.Option("--write", help="Publish the value of this machine in the file.")] = False,
) -> None:
    """Train five tiny cells and compare every bit with the published value for this torch and processor.

    Exit codes: 0 the same, 1 something differs, 2 there is no value for this machine.
    """
    from bench.sweep.fingerprint import compute, machine, publish, published

    here = machine()
    known = published(file).get(here)
    if known is None and not write:
        raise UsageError(
            f"no fingerprint for {here} in {file}; on code you trust, add it with bench fingerprint --write"
        )
    found = compute()
    if write:
        publish(file, found)
        typer.echo(f"wrote {file}: {here}", err=True)
        return
    assert known is not None
    different = [name for name in sorted(known.keys() | found.keys()) if known.get(name) != found.get(name)]
    lines = [f"+ {name}: {known.get(name, 'nothing')} -> {found.get(name, 'nothing')}" for name in different]
    same = len(known.keys() & found.keys() - set(different))
    lines.append(f"{same} of {len(known)} cells bit for bit as published for {here}")
    emit("\n".join(lines) + "\n")
    raise typer.Exit(1 if different else 0)
