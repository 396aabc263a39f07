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
    table = capsys.readouterr().out
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
        "b nuisances, single image": "no latents",
        "c nuisances, pair": "no latents",
        "e shape-blind network": "no shift 'blob'",
        "contrast floor": "no latent 'at_contrast_floor'",
    }
    # Nothing promises that the images of these classes are alike in brightness.
    assert all(row["verdict"] == "informative" for row in found["rows"] if row["baseline"][:2] in ("d ", "g "))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("colour",), "unknown domain 'colour': did you mean color"),
        (("color:difficulty=extreme",), "difficulty 'extreme': expected one of"),
        (("color", "--n", "50"), "--n 50: an audit needs at least 200 test pairs"),
        (("color", "--baseline", "unray"), "unknown baseline 'unray'; expected one of unary,"),
        (("color", "--format", "csv"), "--format 'csv': expected one of table, md, json"),
    ],
)
def test_bad_input_exits_2_with_one_line(
    bench: Bench, capsys: Captured, arguments: tuple[str, ...], message: str
) -> None:
    assert bench("audit", *arguments) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert printed.out == ""
