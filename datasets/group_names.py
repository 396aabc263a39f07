"""Names of the groups of labelled images: said beside their domains, since the keys of published records hang on the
files of these."""

from __future__ import annotations

from bench.domain import groups_of

from .emoji import Emoji
from .emoji_packages import SETS
from .folder import Folder
from .fonts import Fonts


@groups_of.register
def _vendors(domain: Emoji) -> tuple[str, ...]:
    return tuple(SETS)


@groups_of.register
def _families(domain: Fonts) -> tuple[str, ...]:
    # Splits number names in their order.
    return tuple(sorted(set(map(str, domain._glyphs.arrays["family"]))))


@groups_of.register
def _groups(domain: Folder) -> tuple[str, ...]:
    return tuple(sorted(set(domain._listed.groups or ())))
