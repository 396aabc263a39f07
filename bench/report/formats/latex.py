"""A report as LaTeX tables with booktabs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.markup import BOLD
from bench.report import across_block, footnotes, lift_block, quarters_block
from bench.report.against_baseline import comparison_grid, comparison_sentence, sign_flip_notes
from bench.report.caption import caption
from bench.report.formats import ReportFormat, register_report_format
from bench.report.report import Report
from bench.report.table import Grid, Table
from bench.text import printable

SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    # After the end of a row it would begin an option.
    "[": "{[}",
    # An empty line would end the caption.
    "\n": " ", "\t": " ",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "±": r"$\pm$", "Δ": r"$\Delta$", "×": r"$\times$", "·": r"$\cdot$", "√": r"$\surd$", "≥": r"$\geq$", "≤": r"$\leq$",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "→": r"$\rightarrow$",
    "†": r"\dag{}", "‡": r"\ddag{}", "§": r"\S{}", "¶": r"\P{}", "…": r"\dots{}",
}  # fmt: skip


@register_report_format
class Latex(ReportFormat):
    """The tables of scores, also across domains, of references, of differences from a baseline, and of new classes and
    groups, as LaTeX tables; the document needs the package booktabs."""

    name = "tex"

    def render(self, report: Report) -> str:
        tables = [r"% \usepackage{booktabs}"]
        for across in report.across:
            told = f"{across_block.conclusion(across)} {across_block.sentence(across)}"
            tables.append(latex_table(across_block.grid(across), told, label_of("across", across_block.title(across))))
        for section, found in report.compared:
            table = Table(section, report.metrics, report.costs)
            main = table.main()
            if main:
                sentences, notes = " ".join(caption(section)), footnotes.legend(table.compared)
                tables.append(latex_table(main, sentences, label_of(section.title), notes))
            if table.apart:
                name = label_of(section.title, "references")
                tables.append(latex_table(table.references(), "References and controls.", name))
            for comparison in found:
                name = label_of(section.title, comparison.domain, "compared")
                notes = sign_flip_notes(comparison.verdicts, comparison.repeats)
                tables.append(latex_table(comparison_grid(comparison), comparison_sentence(comparison), name, notes))
            for part in map(section.of, section.backbones):
                for block in (lift_block, quarters_block):
                    grid = block.grid(part, report.metrics[0])
                    if grid:
                        name = label_of(section.title, part.backbone, block.WORD)
                        tables.append(latex_table(grid, block.sentence(part, report.metrics[0]), name))
        return "\n\n".join(tables) + "\n"


def escaped(text: str) -> str:
    """``text`` as LaTeX shows it literally."""
    return "".join(SPECIAL.get(sign, sign) for sign in printable(text))


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


def _cell(text: str) -> str:
    bold = BOLD.fullmatch(text)
    return f"\\textbf{{{escaped(bold[1])}}}" if bold else escaped(text)
