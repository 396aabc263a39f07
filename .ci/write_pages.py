"""Writes the pages of the documentation that are made from classes, or checks that they are current."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from bench import zoo
from bench.catalogue.kinds import KINDS, fusion_parameters, options, what
from bench.fusion import Fusion

DOCS = Path(__file__).parents[1] / "docs"

REFERENCE_PAGE = """\
# Everything that is chosen by name

From the classes themselves: `make docs` writes this page, and CI checks that it is current. `bench list KIND` prints
the tables, `bench show NAME` a card. Parameters follow colons: `--warmup jigsaw:grid=3`. One of your own is one file,
given with `--include FILE` or found through the entry point `fusebench.plugins`; [the contributor's
guide](../CONTRIBUTING.md) names a file to copy for each kind. Fusions have [a page of their own](fusions.md).
"""
FUSIONS_PAGE = """\
# The zoo of fusions

{counts}, from the classes themselves: `make docs` writes this page, and CI checks that it is current.
`bench show NAME` prints the same card with the cost on the default backbone. Sizes are those of fusion and head for
64-dimensional features and 64 x 4 x 4 maps. Every fusion takes `symmetrize=true` (the mean score of both orders); those
with the shared head take `head=N` (its hidden units). Parameters follow colons: `--fusion film:stage=1,mutan:rank=8`.

In the formulas `u` and `v` are the embeddings of A and B, `P` and `Q` their maps or tokens, `f` what goes into the
head; other capitals are learned. `[u; v]` puts side by side, `*` multiplies element by element, `(x)` all by all, and
`p'` is the transpose of `p`. Shapes have B pairs, L tokens and D features.

`make site` draws a picture on each card, and `bench show film:stage=1 --out film.svg` draws one with parameters, or one
of a fusion of yours: the way from two images to a score. Boxes with dashed lines do not learn. The grid in the join has
a row for each place of A and a column for each place of B. A square is filled where the two act together: moving both
changes the outcome by another amount than the two moves added up. In an empty grid the join adds up or puts side by
side, and what follows has to compare. A place is a token, a position of a map or a patch of the image; of an embedding,
one of its first 16 dimensions. Measured on random features, with initial weights that are moved at random.
"""


def fusions() -> str:
    """Markdown: a table of each family, then the card of each fusion."""
    classes = KINDS["fusions"].classes
    roles = Counter(cls.role for cls in classes)
    counts = f"{roles['fusion']} fusions, {roles['control']} controls and {roles['reference']} references"
    parts = [FUSIONS_PAGE.format(counts=counts)]
    for family, own in groupby(classes, key=lambda cls: str(cls.family)):
        members = list(own)
        # Not the family alone: a card may have the same name, and links would lead here.
        parts.append(f"## {family.capitalize()} family\n\n" + "\n".join(_table(members)) + "\n")
        parts += ["\n".join(_card(cls)) for cls in members]
    return "\n".join(parts)


def _table(classes: Iterable[type[Fusion]]) -> Iterator[str]:
    yield "| fusion | joins | symmetric | parameters | paper |"
    yield "| --- | --- | --- | ---: | --- |"
    for cls in classes:
        symmetric = "yes" if cls.symmetric else "no"
        size = fusion_parameters(cls.name)
        yield f"| [`{cls.name}`](#{cls.name}) | {cls.needs} | {symmetric} | {size} | {cls.paper} |"


def _card(cls: type[Fusion]) -> Iterator[str]:
    yield f"### {cls.name}\n"
    yield inspect.cleandoc(cls.__doc__ or "") + "\n"
    if cls.known_failure:
        yield f"Known failure, kept to be recognised: {cls.known_failure}\n"
    settable = options(cls, KINDS["fusions"].registry.given)
    if settable:
        yield f"Parameters: {_options(settable)}.\n"


def reference() -> str:
    """Markdown: for each kind but fusions a table of its classes with their parameters."""
    parts = [REFERENCE_PAGE]
    for name, kind in KINDS.items():
        if name == "fusions":
            continue
        facts = {"what": _paragraph} | {header: fact for header, fact in kind.facts.items() if fact is not what}
        parts += [f"## {name.replace('-', ' ').capitalize()}\n", *([f"{kind.note}\n"] if kind.note else [])]
        parts += [f"| name | {' | '.join(facts)} | options |", f"| --- |{' --- |' * (len(facts) + 1)}"]
        for cls in kind.classes:
            cells = [f"`{cls.name}`", *(fact(cls) for fact in facts.values())]
            parts.append(_row([*cells, _options(options(cls, kind.registry.given))]))
        parts.append("")
    return "\n".join(parts)


def _paragraph(cls: type) -> str:
    """First paragraph of a docstring on one line."""
    return " ".join(inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].split())


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('``', '`').replace('|', '&#124;') for cell in cells)} |"


def _options(settable: Mapping[str, Any]) -> str:
    return ", ".join(f"`{name}={_shown(value)}`" for name, value in settable.items())


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


PAGES: Mapping[str, Callable[[], str]] = {"fusions.md": fusions, "reference.md": reference}


def main() -> int:
    """Return 1 where a page is out of date and ``--check`` is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is out of date")
    check = parser.parse_args().check
    zoo.load()
    code = 0
    for name, make in PAGES.items():
        page, path = make(), DOCS / name
        if not check:
            path.write_text(page)
        elif not path.exists() or path.read_text() != page:
            print(f"{name} is out of date: run `make docs`")
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
