"""An audit and its formats: every row with its figures, one line of summary, and what passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.audit.formats import AUDIT_FORMATS
from bench.audit.rows import HEADER, counted, informative, judged, not_applicable
from bench.audit.run import Audit


def audit(n: int = 20_000, right: int = 12_000) -> Audit:
    hits = np.arange(20_000) < right
    rows = (
        judged("image A", "pair", hits),
        informative("edge count", "single", hits, "by nature"),
        counted("images", 0, 50_000),
        not_applicable("no latents"),
    )
    names = ("unary", "statistics", "duplicates", "nuisances_single")
    named = tuple(replace(row, baseline=name) for row, name in zip(rows, names, strict=True))
    return Audit("color", n, 0, named, 1.0, 2.0, 10.0)


def written(name: str) -> str:
    return AUDIT_FORMATS.settle(name).build().render(audit())


def test_markdown_has_one_line_per_row_with_all_columns() -> None:
    lines = [line.strip("|").split("|") for line in written("md").splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 4
    assert all(len(line) == len(HEADER) for line in lines)
    cells = [[cell.strip() for cell in line] for line in lines[2:]]
    assert cells[0][:7] == ["unary", "image A", "pair", "60.00", "59.32 to 60.68", "< 51.50", "leak"]
    assert cells[1][5:7] == ["", "informative: by nature"]
    assert cells[2][3:7] == ["0 of 50,000", "", "<= 0", "ok"]
    assert cells[3][3:7] == ["", "", "", "not applicable: no latents"]


def test_the_summary_counts_what_is_judged() -> None:
    assert "color, 20,000 test pairs, seed 0: 1 of 2 ok, leaks: 1; 10 s" in written("table")


def test_an_undecided_row_fails_only_an_audit_of_full_size() -> None:
    assert audit(right=10_000).passed
    assert not audit(right=10_200).passed
    assert audit(n=19_999, right=10_200).passed
    assert not audit(n=400, right=12_000).passed
