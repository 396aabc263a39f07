"""What was found as one HTML page that loads nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources

from bench.debug.findings import Findings, verdict
from bench.debug.trials import Trial
from bench.text import printable, without_home

TRIALS = {
    "by_heart": "A few pairs by heart",
    "one_label": "One label alone",
    "scales": "The loss multiplied",
    "rates": "Learning rates",
}


def page(title: str, command: str, found: Findings, pictures: Mapping[str, bytes]) -> str:
    """The page.

    Args:
        pictures: PNGs by the heading that each stands under.
    """
    parts = [f"<header><h1>{_text(title)}</h1><p><code>{_text(command)}</code></p></header>", "<main>"]
    parts += ["<section><h2>Verdict</h2>", _list(verdict(found)), "</section>"]
    tables = {heading: _table(getattr(found, field)) for field, heading in TRIALS.items()}
    tables["One training"] = _measures(found)
    for heading, picture in pictures.items():
        shown = base64.b64encode(picture).decode()
        parts.append(
            f'<section><h2>{_text(heading)}</h2><img alt="{_text(heading)}" src="data:image/png;base64,{shown}">'
            f"{tables.get(heading, '')}</section>"
        )
    style = (resources.files("bench.report.page") / "templates" / "page.css").read_text(encoding="utf-8")
    own = "img { max-width: 100%; background: white; } td, th { padding: 2px 12px 2px 0; text-align: left; }"
    head = f'<meta charset="utf-8"><title>{_text(title)}</title><style>{style}{own}</style>'
    return "\n".join(
        [f'<!doctype html>\n<html lang="en"><head>{head}</head><body>', *parts, "</main></body></html>", ""]
    )


def _list(sentences: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{_text(one[:1].upper() + one[1:])}.</li>' for one in sentences)}</ul>"


def _table(trials: Sequence[Trial]) -> str:
    rows = [
        [trial.name, trial.diverged]
        if trial.diverged
        else [
            trial.name,
            f"{trial.loss:.4g}",
            f"{trial.accuracy:.2f}",
            f"{trial.low:.3g} to {trial.high:.3g}",
            f"{trial.right:.0%}",
        ]
        for trial in trials
    ]
    return _grid(["", "training loss", "training accuracy", "scores, evaluated", "right of them"], rows)


def _measures(found: Findings) -> str:
    before, after = found.course.before.measures, found.course.after.measures if found.course.after else {}
    names = [name for name, value in before.items() if isinstance(value, float)]
    rows = [[name, f"{before[name]:.4g}", f"{after[name]:.4g}" if name in after else ""] for name in names]
    return _grid(["on validation pairs", "before", "after"], rows)


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def row(cells: Sequence[str], kind: str) -> str:
        return f"<tr>{''.join(f'<{kind}>{_text(cell)}</{kind}>' for cell in cells)}</tr>"

    return f"<table>{row(header, 'th')}{''.join(row(cells, 'td') for cells in rows)}</table>"


def _text(text: str) -> str:
    return escape(printable(without_home(text)))
