"""How many test pairs there were where a list has few, and what replicates have in common."""

from __future__ import annotations

from bench.choose.field import domain_of
from bench.choose.look import Look
from bench.domain import build_domain
from bench.sweep.config import SweepConfig
from bench.sweep.replicates import SAME_PARTS, redealt, shared


def told_pairs(sweep: SweepConfig, look: Look) -> tuple[str, str]:
    """``4,000 test pairs``, or how many of them are distinct where a list has fewer; and the sentence, which may be
    empty, on what the replicates share."""
    domain, asked = domain_of(sweep), sweep.test_pairs
    same_parts = shared(domain) == "parts"
    own = {build_domain(redealt(domain, number)).test_pairs or asked for number in look.numbers}
    least, most = min(own), min(max(own), asked)
    told = f"{asked:,} test pairs"
    if least < asked:
        count = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        told = f"{'the same ' if same_parts else ''}{count} distinct test pairs ({asked:,} were drawn)"
    return told, SAME_PARTS if same_parts else ""
