"""What was seen as one page that loads nothing."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib import resources

from bench.look.subject import Subject
from bench.look.visit import Seen, Shot
from bench.text import printable, without_home

SHOWN = {"accuracy": "accuracy", "f1": "F1", "auc": "AUC", "ece": "ECE"}


def page(subject: Subject, seen: Sequence[Seen]) -> str:
    """The page as HTML."""
    card = subject.stored.card
    title = f"{card.cell.fusion} · {card.cell.backbone} · {subject.name}"
    body = [
        "<header>",
        f"<h1>{_text(title)}</h1>",
        _counts(subject),
        *(f"<p>{line}</p>" for line in _sentences(subject)),
        "<nav>",
        *(f'<a href="#{one.name}">{_text(one.name.capitalize())}</a>' for one in seen),
        "</nav>",
        "</header>",
        "<main>",
        *(line for one in seen for line in _section(one)),
        "</main>",
    ]
    head = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{_text(title)}</title>",
        f"<style>{_style()}</style>",
        "</head>",
        "<body>",
    ]
    return "\n".join([*head, *body, "</body>", "</html>", ""])


def _style() -> str:
    own = resources.files("bench.look") / "templates" / "look.css"
    shared = resources.files("bench.report.page") / "templates" / "page.css"
    return shared.read_text(encoding="utf-8") + own.read_text(encoding="utf-8")


def _counts(subject: Subject) -> str:
    metrics = subject.evaluated.metrics[subject.name]
    told = {name: metrics[metric] for metric, name in SHOWN.items()}
    boxes = {name: "-" if value is None else f"{value:.4f}" for name, value in told.items()}
    boxes |= {"test pairs": f"{len(subject.pairs):,}", "parameters": f"{subject.stored.card.parameters:,}"}
    return _boxes(boxes)


def _boxes(values: Mapping[str, str]) -> str:
    parts = (f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in values.items())
    return '<dl class="counts">' + "".join(parts) + "</dl>"


def _sentences(subject: Subject) -> Iterator[str]:
    """What was trained on what, and what one should know before looking."""
    stored, card = subject.stored, subject.stored.card
    cell = card.cell
    start = "" if cell.protocol == "scratch" else f" from the warm-up {cell.warmup.task}"
    pairs = f"{cell.recipe.get('train_pairs', 0):,}"
    trained = f"Trained on {pairs} pairs of {cell.domain}, {cell.protocol}{start}, {cell.repeats} {cell.seed}."
    tested = "" if subject.choice == stored.cell.domain else f" Looked at on {subject.name}."
    yield _text(f"{trained}{tested} Model {without_home(str(stored.path))}.")
    if card.collapsed:
        yield "<strong>Collapsed: its scores or encodings no longer depend on the images.</strong>"
    if subject.changed:
        yield f"<strong>Careful: {_text(subject.changed)}.</strong>"


def _section(seen: Seen) -> Iterator[str]:
    yield f'<section id="{seen.name}">'
    yield f"<h2>{_text(seen.name.capitalize())}</h2>"
    yield f'<p class="note">{_text(seen.what)}</p>'
    if seen.missing:
        yield f"<p>Not drawn: {_text(seen.missing)}</p>"
    yield '<div class="views">'
    yield from _figures(seen.shots)
    yield "</div>"
    yield "</section>"


def _figures(shots: Iterable[Shot]) -> Iterator[str]:
    for shot in shots:
        data = base64.b64encode(shot.png).decode()
        caption = f"<figcaption>{_text(shot.text)}</figcaption>"
        yield f'<figure><img alt="{_text(shot.title)}" src="data:image/png;base64,{data}">{caption}</figure>'


def _text(text: str) -> str:
    return escape(printable(text))
