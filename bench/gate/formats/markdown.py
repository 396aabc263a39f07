"""A comparison as Markdown."""

from __future__ import annotations

from bench.gate.comparison import Comparison
from bench.gate.finding import LEGEND
from bench.gate.formats import CheckFormat, register_check_format
from bench.text import align, escape


@register_check_format
class Markdown(CheckFormat):
    """The summary and a table of everything that is not the same."""

    name = "md"

    def render(self, comparison: Comparison) -> str:
        blocks = [f"**{comparison.summary}**", f"`{comparison.new}` against `{comparison.base}`"]
        if comparison.notable:
            rows = [
                [f"`{one.mark}`", one.word, one.tier, escape(one.cell), escape(one.text)] for one in comparison.notable
            ]
            blocks += [align(["", "verdict", "tier", "cell", "what was seen"], rows, left=5), LEGEND]
        return "\n\n".join(blocks) + "\n"
