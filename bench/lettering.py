"""How names of users are written in pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

# For scripts that the font of matplotlib lacks: of each line the first that is installed is taken.
OTHER_SCRIPTS = (
    ("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "PingFang SC", "SimHei"),
    ("Noto Sans CJK KR", "NanumGothic", "Apple SD Gothic Neo", "Malgun Gothic"),
    ("Noto Sans Devanagari", "Kohinoor Devanagari", "Nirmala UI"),
    ("Noto Sans Thai", "Thonburi", "Leelawadee UI"),
)


@contextmanager
def names_as_they_are() -> Iterator[None]:
    """What is drawn meanwhile may hold names of users: they are no formulas, even with two dollar signs in them, and of
    any script that a font is installed for."""
    from matplotlib import rc_context

    with rc_context({"text.parse_math": False, "font.family": ["sans-serif", *_installed()]}):
        yield


@cache
def _installed() -> tuple[str, ...]:
    """A font for each of ``OTHER_SCRIPTS`` that has one here."""
    from matplotlib.font_manager import fontManager

    known = set(fontManager.get_font_names())
    return tuple(filter(None, (next((font for font in fonts if font in known), "") for fonts in OTHER_SCRIPTS)))
