"""An audit as Markdown and as a table: every row with its figures, and one line of summary."""

from __future__ import annotations

import numpy as np

from bench.audit.render import HEADER, to_markdown, to_table
from bench.audit.rows import counted, informative, judged, not_applicable
from bench.audit.run import Audit


def audit(n: int = 20_000, right: int = 12_000) -> Audit:
    hits = np.arange(20_000) < right
    rows = (
        judged("a unary model", "image A", "pair", hits),
        informative("d image statistics", "edge count", "single", hits, "by nature"),
        counted("duplicates", "images", 0, 50_000),
        not_applicable("b nuisances", "no latents"),
    )
    return Audit("color", n, 0, rows, 1.0, 2.0, 10.0)


def test_markdown_has_one_line_per_row_with_all_columns() -> None:
    lines = [line.strip("|").split("|") for line in to_markdown(audit()).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 4
    assert all(len(line) == len(HEADER) for line in lines)
    cells = [[cell.strip() for cell in line] for line in lines[2:]]
    assert cells[0][:7] == ["a unary model", "image A", "pair", "60.00", "59.32 to 60.68", "< 51.50", "leak"]
    assert cells[1][5:7] == ["", "informative: by nature"]
    assert cells[2][3:7] == ["0 of 50,000", "", "<= 0", "ok"]
    assert cells[3][3:7] == ["", "", "", "not applicable: no latents"]


def test_the_summary_counts_what_is_judged() -> None:
    assert "color, 20,000 test pairs, seed 0: 1 of 2 ok, leaks: 1; 10 s" in to_table(audit())


def test_an_undecided_row_fails_only_an_audit_of_full_size() -> None:
    assert audit(right=10_000).passed
    assert not audit(right=10_200).passed
    assert audit(n=19_999, right=10_200).passed
    assert not audit(n=400, right=12_000).passed
