"""Writes the parts of the pages of studies that are made from their records, or checks that they are current.

A study is a configuration in ``configs/studies``, its records in ``results/reference/studies`` and its page in
``docs/studies``, all of one name. In a page ``<!-- PART METRIC -->`` begins a part that ends at ``<!-- end -->``.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench.records.folder import RunFolder
from bench.records.load import load_runs
from bench.records.record import DetailedRecord
from bench.report.across_block import across_block, title
from bench.report.caption import caption
from bench.report.formats.markdown import bullets, wrap
from bench.report.gaps_block import gaps_block
from bench.report.provenance import provenance, sentence
from bench.report.quarters_block import quarters_block
from bench.report.report import Report, build
from bench.report.table import Block, Grid
from bench.verdicts.effects import FUSION, SEED, effects_of

ROOT = Path(__file__).parents[1]
PAGES, RECORDS = ROOT / "docs" / "studies", ROOT / "results" / "reference" / "studies"
PART = re.compile(r"<!-- ([a-z]+) ([a-z0-9_]+) -->\n.*?<!-- end -->", re.DOTALL)


def across(report: Report, metric: str) -> Iterator[str]:
    """Fusions on all domains beside each other."""
    for found in report.across:
        yield from _block(title(found), across_block(found))


def gaps(report: Report, metric: str) -> Iterator[str]:
    """What new classes and new groups cost, on every domain that has them."""
    for section in report.sections:
        for backbone in section.backbones:
            part = section.of(backbone)
            yield from _block(section.title, quarters_block(part, metric))
            yield from _block("", gaps_block(part, report.gaps[section.title], metric, None, report.margin))


def spread(report: Report, metric: str) -> Iterator[str]:
    """How large the differences between fusions are beside what chance leaves, on every domain."""
    rows = []
    for section in report.sections:
        found = effects_of(section.entries, [section.domain], metric)
        if found is not None:
            fusion, rest = found.variances[FUSION] ** 0.5, found.variances[f"{FUSION} x {SEED}"] ** 0.5
            cells = [100 * fusion, 100 * rest, fusion / rest]
            numbers = [f"{cells[0]:.2f}", f"{cells[1]:.2f}", f"{cells[2]:.1f}", f"{found.reliability:.3f}"]
            rows.append([section.domain, str(found.levels[FUSION]), str(found.seeds), *numbers])
    header = ["domain", "fusions", "n", "sd between fusions, points", "residual sd, points", "ratio", "ICC of means"]
    yield Grid(header, rows, left=1).markdown()


def made(report: Report, metric: str) -> Iterator[str]:
    """How the records came about: conditions, cells, computing time, versions."""
    conditions, _, *backbones = caption(report.sections[0])
    yield wrap(f"{conditions} {' '.join(backbones)}")
    records = [one for run in report.runs for one in RunFolder(run.folder).records(DetailedRecord)]
    minutes = sum(one.times.get("total", 0.0) for one in records) / 60
    failed = sum(one.status not in ("ok", "not_applicable") for one in records)
    yield wrap(
        f"{len(records)} cells, {failed} of them failed; {minutes:.0f} minutes of one core, warm-ups not counted."
    )
    yield bullets([sentence(facts) for facts in provenance(report.runs)])


PARTS: Mapping[str, Callable[[Report, str], Iterator[str]]] = {
    "across": across,
    "gaps": gaps,
    "made": made,
    "spread": spread,
}


def _block(heading: str, block: Block | None) -> Iterator[str]:
    if block is not None:
        yield from [f"**{heading}**"] if heading else []
        yield wrap(block.sentence)
        yield from block.tables
        yield from map(wrap, block.legend)


def rewritten(page: Path) -> str:
    """The page with its parts made anew."""
    runs = load_runs([RECORDS / page.stem])

    def part(match: re.Match[str]) -> str:
        name, metric = match.groups()
        body = "\n\n".join(PARTS[name](build(runs, (metric,), ()), metric))
        return f"<!-- {name} {metric} -->\n\n{body}\n\n<!-- end -->"

    return PART.sub(part, page.read_text())


def main() -> int:
    """Exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where a page is not current")
    check = parser.parse_args().check
    stale = [page for page in sorted(PAGES.glob("*.md")) if (RECORDS / page.stem).exists()]
    stale = [page for page in stale if rewritten(page) != page.read_text()]
    for page in stale:
        print(f"{page.relative_to(ROOT)}: {'not what its records say' if check else 'written'}")
        if not check:
            page.write_text(rewritten(page))
    return int(bool(stale) and check)


if __name__ == "__main__":
    sys.exit(main())
