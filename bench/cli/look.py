"""``bench look``: what a stored model sees."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.cli.options import IncludeOption, Names, load_zoo
from bench.text import names_in


def look(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model that bench run --save kept, or the folder of a single one.")
    ],
    domain: Annotated[
        Optional[str], typer.Option(help="Whose test pairs to look at (default: the domain that it was trained on).")
    ] = None,
    view: Annotated[
        Names, typer.Option(help="all (default), names, globs or name:param=value; commas or repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the page and its pictures.")] = Path("look"),
    include: IncludeOption = None,
) -> None:
    """Look inside a stored model: galleries, histograms, occlusion, attention, embeddings, reliability.

    Writes index.html, a page that loads nothing, and its pictures as PNG. What a model has nothing of is named on
    stderr. See bench list views.
    """
    from bench.atomic import write_text_atomically
    from bench.backbones import BACKBONES
    from bench.look.contract import VIEWS
    from bench.look.page import page
    from bench.look.subject import Subject
    from bench.look.visit import save, visit
    from bench.models.restore import restore

    load_zoo(include)
    BACKBONES.load_built_in()
    names = names_in(*view or ())
    order = [cls.name for cls in VIEWS.classes]
    chosen = sorted(VIEWS.resolve(names or ["all"]), key=lambda choice: order.index(choice.name))
    views = [choice.build() for choice in chosen]
    subject = Subject(restore(model), domain)
    if subject.changed:
        typer.echo(f"warning: {subject.changed}", err=True)
    seen = []
    for one in visit(subject, views):
        seen.append(one)
        save(out, [one])
        for shot in one.shots:
            typer.echo(f"wrote {out / shot.file}", err=True)
        if one.missing:
            typer.echo(f"not drawn: {one.name}: {one.missing}", err=True)
    write_text_atomically(out / "index.html", page(subject, seen))
    typer.echo(f"wrote {out / 'index.html'}", err=True)
