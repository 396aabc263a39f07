"""A comparison as the comment on a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from bench.gate.comparison import Comparison
from bench.gate.finding import LEGEND, Finding
from bench.gate.formats import CheckFormat, register_check_format
from bench.markup import align, code, markdown_line
from bench.text import printable

# GitHub takes 65,536 characters of a comment: these rows and longest texts are far fewer.
SHOWN, FOLDED, LONGEST = 15, 60, 300


@register_check_format
class Comment(CheckFormat):
    """What changed, as Markdown for one screen of a pull request: the most serious first, the rest folded."""

    name = "comment"

    def render(self, comparison: Comparison) -> str:
        verdict, _, counts = comparison.summary.partition(": ")
        notable = comparison.notable
        blocks = [
            f"### fusebench: {verdict}",
            f"{counts}.",
            f"{code(comparison.new)} against {code(comparison.base)}, judged by {comparison.rules.metric}.",
        ]
        if notable:
            blocks += [_table(notable[:SHOWN]), markdown_line(LEGEND)]
        more = notable[SHOWN : SHOWN + FOLDED]
        if more:
            title = f"{len(notable) - SHOWN:,} more"
            blocks += [f"<details><summary>{title}</summary>", _table(more), "</details>"]
        left_out = len(notable) - SHOWN - FOLDED
        if left_out > 0:
            blocks.append(f"{left_out:,} are left out here.")
        return "\n\n".join(blocks) + "\n"


def _table(findings: Sequence[Finding]) -> str:
    rows = [
        [code(one.mark), one.word, one.tier, printable(one.cell, LONGEST), printable(one.text, LONGEST)]
        for one in findings
    ]
    return align(["", "verdict", "tier", "cell", "what was seen"], rows, left=5)
