"""Every rendered domain that comes with the benchmark passes its audit at a small size."""

from __future__ import annotations

from collections import Counter

import pytest

from bench import zoo
from bench.audit.baselines import AUDIT_BASELINES
from bench.audit.draws import Draws
from bench.audit.rows import Verdict
from bench.audit.run import run_audit
from bench.domain import DOMAINS, build_domain

BARE_WARMUP = {"images": 128}


def baselines(networks: bool) -> list[str]:
    draws = Draws("color", 400)
    return [cls.name for cls in AUDIT_BASELINES.classes if cls().needs_warm_up(draws) == networks]


def rendered_domains() -> list[str]:
    zoo.load()
    complete = [name for name in DOMAINS if not DOMAINS.get(name).needs_files]
    return [name for name in complete if "mask" in build_domain(name).offers]


# Most of the time of all of them.
SLOW = {"contours", "glyphs", "texture"}


@pytest.mark.parametrize(
    "domain", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in rendered_domains()]
)
def test_no_shortcut_is_found_without_networks(domain: str) -> None:
    audit = run_audit(domain, 1_000, baselines=baselines(networks=False))
    assert audit.leaks == []
    judged = [row for row in audit.rows if row.verdict in (Verdict.OK, Verdict.UNDECIDED)]
    assert len(judged) >= 14
    assert audit.passed


def test_the_networks_run_and_find_no_shortcut_in_color() -> None:
    audit = run_audit("color", 400, baselines=baselines(networks=True), warmup_recipe=BARE_WARMUP)
    assert audit.leaks == []
    networks = {"unary": 6, "shape_blind": 2, "permuted_labels": 2, "shuffled_pairs": 2}
    assert Counter(row.baseline for row in audit.rows) == networks


@pytest.mark.slow
@pytest.mark.parametrize("domain", rendered_domains())
def test_the_whole_audit_passes(domain: str) -> None:
    audit = run_audit(domain)
    assert audit.passed, audit.leaks
