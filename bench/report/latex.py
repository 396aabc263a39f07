"""Tables as LaTeX with booktabs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.report.table import Grid

SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$", "√": r"$\surd$", "≥": r"$\geq$", "≤": r"$\leq$",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "→": r"$\rightarrow$",
    "†": r"\dag{}", "‡": r"\ddag{}", "§": r"\S{}", "…": r"\dots{}",
}  # fmt: skip


def escaped(text: str) -> str:
    """``text`` as LaTeX shows it literally."""
    return "".join(SPECIAL.get(sign, sign) for sign in text)


def latex_table(grid: Grid, caption: str, label: str, notes: Sequence[str] = ()) -> str:
    """A ``table`` with caption and label; bold cells stay bold. ``notes`` stand below it."""
    rows = [[_cell(text) for text in row] for row in (grid.header, *grid.rows)]
    header, *body = (f"{' & '.join(row)} \\\\" for row in rows)
    columns = "l" * grid.left + "r" * (len(grid.header) - grid.left)
    lines = [
        r"\begin{table}",
        r"\centering",
        f"\\caption{{{escaped(caption)}}}",
        f"\\label{{{label}}}",
        f"\\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        header,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        *(f"\\par\\smallskip\\footnotesize {escaped(note)}" for note in notes),
        r"\end{table}",
    ]
    return "\n".join(lines)


def label_of(*parts: str) -> str:
    """A label that LaTeX accepts: ``tab:texture-finetune``."""
    return f"tab:{'-'.join(filter(None, (re.sub(r'[^a-z0-9]+', '-', part.lower()).strip('-') for part in parts)))}"


def _cell(markdown: str) -> str:
    text = markdown.replace("\\|", "|")
    is_bold = text.startswith("**") and text.endswith("**")
    return f"\\textbf{{{escaped(text[2:-2])}}}" if is_bold else escaped(text)
