"""A comparison as Markdown."""

from __future__ import annotations

from bench.gate.comparison import Comparison
from bench.gate.finding import LEGEND
from bench.gate.formats import CheckFormat, register_check_format
from bench.markup import align, code, markdown_line


@register_check_format
class Markdown(CheckFormat):
    """The summary and a table of everything that is not the same."""

    name = "md"

    def render(self, comparison: Comparison) -> str:
        blocks = [f"**{comparison.summary}**", f"{code(comparison.new)} against {code(comparison.base)}"]
        if comparison.notable:
            rows = [[code(one.mark), one.word, one.tier, one.cell, one.text] for one in comparison.notable]
            blocks += [align(["", "verdict", "tier", "cell", "what was seen"], rows, left=5), markdown_line(LEGEND)]
        return "\n\n".join(blocks) + "\n"
