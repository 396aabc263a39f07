"""The page of all fusions, ``docs/fusions.md``, made from their classes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import groupby

from bench.catalogue.inventory import fusion_parameters, fusions_by_family
from bench.fusion import FUSIONS, Fusion

INTRODUCTION = """\
# The zoo of fusions

{count} fusions, from the classes themselves: `make docs` writes this page, and CI checks that it is current.
`bench show NAME` prints the same card with the cost on the default backbone. Sizes are those of fusion and head for
64-dimensional features and 64 x 4 x 4 maps. Every fusion takes `symmetrize=true` (the mean score of both orders); those
with the shared head take `head=N` (its hidden units). Parameters follow colons: `--fusion film:stage=1,mutan:rank=8`.
"""


def fusion_page() -> str:
    """Markdown: a table of each family, then the card of each fusion."""
    parts = [INTRODUCTION.format(count=len(list(FUSIONS)))]
    for family, names in groupby(fusions_by_family(), key=lambda name: FUSIONS.get(name).family):
        members = list(names)
        parts.append(f"## {family.capitalize()}\n\n" + "\n".join(_table(members)) + "\n")
        parts += ["\n".join(_card(FUSIONS.get(name))) for name in members]
    return "\n".join(parts)


def _table(names: list[str]) -> Iterator[str]:
    yield "| fusion | joins | symmetric | parameters | paper |"
    yield "| --- | --- | --- | ---: | --- |"
    for name in names:
        cls = FUSIONS.get(name)
        symmetric = "yes" if cls.symmetric else "no"
        yield f"| [`{name}`](#{name}) | {cls.needs} | {symmetric} | {fusion_parameters(name):,} | {cls.paper} |"


def _card(cls: type[Fusion]) -> Iterator[str]:
    yield f"### {cls.name}\n"
    yield inspect.cleandoc(cls.__doc__ or "") + "\n"
    if cls.known_failure:
        yield f"Known failure, kept to be recognised: {cls.known_failure}\n"
    options = list(inspect.signature(cls.__init__).parameters.values())[2:]
    if options:
        yield "Parameters: " + ", ".join(f"`{option.name}={_shown(option.default)}`" for option in options) + ".\n"


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
