"""Views of a model drawn one after the other, as the bytes of their pictures."""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.atomic import write_bytes_atomically
from bench.lettering import names_as_they_are
from bench.look.contract import Picture, View
from bench.look.subject import Subject
from bench.plots.contract import NothingToDrawError


@dataclass(frozen=True)
class Shot:
    """A picture as PNG, with the name of its file, its title and its sentence."""

    file: str
    title: str
    text: str
    png: bytes


@dataclass(frozen=True)
class Seen:
    """What a view showed, or why it showed nothing."""

    name: str
    what: str
    shots: Sequence[Shot]
    missing: str = ""


def visit(subject: Subject, views: Iterable[View]) -> Iterator[Seen]:
    """What each view shows of a model."""
    for view in views:
        what = inspect.cleandoc(view.__doc__ or "").splitlines()[0].replace("``", "")
        shots: list[Shot] = []
        try:
            with names_as_they_are():
                shots.extend(_shot(view, picture) for picture in view.pictures(subject))
        except NothingToDrawError as reason:
            yield Seen(view.name, what, shots, str(reason))
        else:
            yield Seen(view.name, what, shots)


def save(folder: Path, seen: Iterable[Seen]) -> None:
    """Write each picture to a file of its name in a folder, which is made.

    Raises:
        StorageError: it cannot be written.
    """
    for one in seen:
        for shot in one.shots:
            write_bytes_atomically(folder / shot.file, shot.png)


def _shot(view: View, picture: Picture) -> Shot:
    content = io.BytesIO()
    picture.figure.savefig(content, format="png")
    title = "" if picture.title.lower() == view.name else picture.title
    name = re.sub(r"[^a-z0-9_.]+", "-", f"{view.name} {title}".lower()).strip("-")
    return Shot(f"{name}.png", picture.title, picture.text, content.getvalue())
