"""An audit and its formats: every row with its figures, one line of summary, and what passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from bench.audit import run
from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.draws import Draws
from bench.audit.formats import AUDIT_FORMATS
from bench.audit.rows import HEADER, Row, Verdict, counted, informative, judged, not_applicable
from bench.audit.run import Audit, run_audit


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


@pytest.fixture
def asked(registries: None) -> list[Draws]:
    """Registers a baseline that is right on every other pair, and one that is always right; the draws of the first."""
    seen = []

    @register_audit_baseline
    class Every(AuditBaseline):
        """Half of the pairs."""

        name = "every_other"

        def rows(self, draws: Draws) -> Iterator[Row]:
            seen.append(draws)
            yield judged("y", "pair", np.arange(len(draws.test)) % 2 == 0)

    @register_audit_baseline
    class Sure(AuditBaseline):
        """All of the pairs."""

        name = "sure"

        def rows(self, draws: Draws) -> Iterator[Row]:
            yield judged("y", "pair", np.ones(len(draws.test), dtype=bool))

    return seen


def test_an_undecided_row_of_a_small_audit_says_how_many_pairs_would_decide(asked: list[Draws]) -> None:
    row, sure = run_audit("color", 400, baselines=("every_other", "sure")).rows
    assert (row.verdict, row.note) == (Verdict.UNDECIDED, "about --n 4300 would decide")
    assert row.cells[6] == "undecided (N too small): about --n 4300 would decide"
    assert judged("y", "pair", np.arange(4_300) % 2 == 0).verdict is Verdict.OK
    assert judged("y", "pair", np.arange(4_200) % 2 == 0).verdict is Verdict.UNDECIDED
    assert (sure.verdict, sure.note, len(asked)) == (Verdict.LEAK, "", 1)


def test_a_full_audit_asks_undecided_rows_again_with_fresh_pairs(
    asked: list[Draws], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "TEST_PAIRS", 1_500)
    found = run_audit("color", 1_500, baselines=("every_other", "sure"))
    first, second = asked
    assert second.train is first.train
    assert (len(first.test), len(second.test)) == (1_500, 4_500)
    expected = first.domain.draw("test", 0, 100, 1_500 + 4_400)
    assert second.test.a.pixels[4_400:].equal(expected.a.pixels)
    row, sure = found.rows
    assert (row.verdict, row.n, row.note) == (Verdict.OK, 4_500, "asked again with 4,500 fresh pairs")
    assert (sure.verdict, sure.n, sure.note) == (Verdict.LEAK, 1_500, "")


def test_a_list_that_has_no_other_pairs_is_asked_once(asked: list[Draws], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "TEST_PAIRS", 400)
    monkeypatch.setattr("bench.domain.Domain.test_pairs", 400)
    (row,) = run_audit("color", 400, baselines=("every_other",)).rows
    assert (row.verdict, row.note, len(asked)) == (Verdict.UNDECIDED, "about 4,300 would decide, of 400", 1)
