"""``bench audit`` as a user types it: outcome, exit codes, formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Bench = Callable[..., int]
Captured = pytest.CaptureFixture[str]

BARE = '''
"""Noise images whose pairs are mostly same."""

import torch
from bench.domain import Domain, Images, Pairs, register_domain, uniforms


@register_domain
class Lopsided(Domain):
    """Noise."""

    name, version = "test_lopsided", 1
    classes = warmup_classes = ("one", "two")

    def draw(self, split, seed, n, start=0):
        u = uniforms((split, seed), start, n, 2 + 2 * 3 * 32 * 32)
        class_a = (u[:, 0] < 0.5).long()
        class_b = torch.where(u[:, 1] < 0.8, class_a, 1 - class_a)
        pixels = (u[:, 2:] * 256).to(torch.uint8).view(n, 2, 3, 32, 32)
        a, b = (Images(pixels[:, i], {"class": c}) for i, c in enumerate((class_a, class_b)))
        return Pairs(a, b, (class_a == class_b).long())

    def draw_named(self, split, seed, n, start=0, easy=False):
        return self.draw(split, seed, n, start).a
'''


def test_a_clean_domain_exits_0_with_a_plain_table(bench: Bench, capsys: Captured) -> None:
    assert bench("audit", "color", "--n", "1000", "--baseline", "balance,duplicates", "--threads", "1") == 0
    printed = capsys.readouterr()
    table = printed.out
    assert printed.err.splitlines()[-2:] == ["color: duplicates ...", "color: balance ..."]
    assert "images shared by splits" in table
    assert "0 of 3,500" in table
    assert "1,000 test pairs, seed 0" in table
    assert "\x1b" not in table


def test_a_leak_exits_1_and_what_does_not_apply_says_why(
    bench: Bench, capsys: Captured, tmp_path: Path, registries: None
) -> None:
    file = tmp_path / "lopsided.py"
    file.write_text(BARE)
    chosen = "balance,nuisances_single,nuisances_pair,statistics,nearest_neighbour,contrast,shape_blind"
    options = ("--n", "400", "--include", str(file), "--threads", "1", "--format", "json")
    assert bench("audit", "test_lopsided", *options, "--baseline", chosen) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] is False
    rows = {row["what"]: row for row in found["rows"]}
    assert rows["the most frequent label"]["verdict"] == "leak"
    assert rows["the most frequent label"]["value"] == pytest.approx(0.8, abs=0.08)
    notes = {row["baseline"]: row["note"] for row in found["rows"] if row["verdict"] == "not applicable"}
    assert notes == {
        "nuisances_single": "no latents",
        "nuisances_pair": "no latents",
        "shape_blind": "no shift 'blob'",
        "contrast": "no latent 'at_contrast_floor'",
    }
    # Nothing promises that the images of these classes are alike in brightness.
    by_nature = [row["verdict"] for row in found["rows"] if row["baseline"] in ("statistics", "nearest_neighbour")]
    assert set(by_nature) == {"informative"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("colour",), "unknown domain 'colour': did you mean color"),
        (("color:difficulty=extreme",), "difficulty 'extreme': expected one of"),
        (("color", "--n", "50"), "--n 50: an audit needs at least 200 test pairs"),
        (("color", "--baseline", "unray"), "unknown audit baseline 'unray': did you mean unary?"),
        (("color", "--format", "csv"), "unknown audit format 'csv': known: json, md, table"),
    ],
)
def test_bad_input_exits_2_with_one_line(
    bench: Bench, capsys: Captured, arguments: tuple[str, ...], message: str
) -> None:
    assert bench("audit", *arguments) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert len(printed.err.splitlines()) == 1
    assert printed.out == ""


PLUGIN = '''
"""A baseline and a format of one's own."""

from bench.audit.baselines import AuditBaseline, register_audit_baseline
from bench.audit.baselines.balance import Balance
from bench.audit.formats import AuditFormat, register_audit_format
from bench.audit.rows import judged


@register_audit_baseline
class FirstPixel(AuditBaseline):
    """The brightness of one pixel of A."""

    name = "first_pixel"

    def __init__(self, above: int = 127) -> None:
        self.above = above

    def rows(self, draws):
        lit = draws.test.a.pixels[:, 0, 0, 0] > self.above
        yield judged(f"first pixel above {self.above} → label", "pair", (lit == draws.test.label.bool()).numpy())


@register_audit_baseline
class BalanceAgain(Balance):
    """The built-in one under another name."""

    name = "balance_again"


@register_audit_format
class Names(AuditFormat):
    """The baseline of each row."""

    name = "names"

    def render(self, audit):
        return "".join(f"{row.baseline}: {row.what}\\n" for row in audit.rows)
'''


def test_a_baseline_and_a_format_of_ones_own_are_one_file(
    bench: Bench, capsys: Captured, tmp_path: Path, registries: None
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    options = ("--n", "2000", "--include", str(file), "--threads", "1")
    chosen = ("--baseline", "first_pixel:above=99,balance*")
    assert bench("audit", "color", *options, *chosen, "--format", "names") == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split(": ")[0] for line in lines]
    assert list(dict.fromkeys(names)) == ["balance", "first_pixel:above=99", "balance_again"]
    assert names.count("balance") == names.count("balance_again") == 5
    assert "first_pixel:above=99: first pixel above 99 → label" in lines
    assert bench("audit", "color", *options, "--baseline", "first_pixel:below=9") == 2
    assert "unknown parameter 'below'; allowed: above" in capsys.readouterr().err
