"""Tries everything on a subject, and writes the folder that shows it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.atomic import write_bytes_atomically, write_text_atomically
from bench.catalogue.contact_sheet import balanced_rows, heading, rows_of, sample_rows, stack
from bench.debug import trials
from bench.debug.course import follow
from bench.debug.findings import Findings, verdict
from bench.debug.page import TRIALS, page
from bench.debug.pictures import draw_course, draw_similarity, draw_trials
from bench.debug.subject import Subject
from bench.domain import build_domain
from bench.lettering import names_as_they_are
from bench.sweep.inputs import draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = "index.html"
SHOWN = 24


def debug(given: Mapping[str, Any], command: str, out: Path, say: Callable[[str], None]) -> str:
    """Try everything on the cell that ``given`` stands for; returns the verdict, a sentence a line.

    Args:
        given: settings of a sweep.
        out: folder for the page and its pictures.
        say: told what is done.

    Raises:
        UsageError: as :meth:`Subject.read` and :meth:`Subject.fresh`.
        StorageError: the folder cannot be written to.
    """
    subject = Subject.read(given)
    found = examine(subject, say)
    with names_as_they_are():
        pictures = {"Samples": _samples(subject)} | {name: _png(figure) for name, figure in _figures(found).items()}
    for name, content in pictures.items():
        write_bytes_atomically(out / f"{name.lower().replace(' ', '-')}.png", content)
    write_text_atomically(out / PAGE, page(f"Debug {subject.cell}", command, found, pictures))
    say(f"wrote {out / PAGE}")
    return "".join(f"- {sentence}\n" for sentence in verdict(found))


def examine(subject: Subject, say: Callable[[str], None]) -> Findings:
    """All trials."""
    recipe = subject.cell.recipe
    say(f"{subject.cell}: training on {recipe.train_pairs * recipe.epochs:,} pairs")
    course = follow(subject)
    tried = {}
    for field, heading_ in TRIALS.items():
        say(f"{heading_.lower()} ...")
        tried[field] = getattr(trials, field)(subject)
    return Findings(course, **tried, lr=recipe.lr, known_failure=subject.cell.fusion.cls.known_failure)


def _figures(found: Findings) -> dict[str, Figure]:
    note = "blue: training loss, of a loss that is not multiplied; orange: training accuracy; no image is paired anew"
    drawn = {TRIALS[field]: draw_trials(TRIALS[field], note, getattr(found, field)) for field in TRIALS}
    return {"One training": draw_course(found.course), "Similarity": draw_similarity(found), **drawn}


def _samples(subject: Subject) -> bytes:
    """A dump of training pairs, half of each label."""
    cell = subject.cell
    pairs = draw(cell.domain, *cell.draws("train"))
    shown = rows_of(pairs, balanced_rows(pairs.label, SHOWN))
    content = io.BytesIO()
    blocks = [heading(f"{cell.domain}: training pairs"), *sample_rows(shown, build_domain(cell.domain).classes)]
    stack(blocks).save(content, "PNG")
    return content.getvalue()


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
