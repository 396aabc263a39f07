"""Writes what is said of the studies from their records, or checks that it is current.

A study is a configuration in ``configs/studies``, its records in ``results/reference/studies`` and its page in
``docs/studies``, all of one name. In a page ``<!-- PART STUDY METRIC -->`` begins a part that ends at ``<!-- end -->``,
and the cases at the top of the page of a study become those of ``bench advise``.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from bench.advise.cases import Case, read_cases
from bench.advise.table import grid as advice_grid
from bench.records.folder import RunFolder
from bench.records.load import load_runs
from bench.records.record import DetailedRecord
from bench.report.across_block import across_block, grid, title
from bench.report.caption import caption
from bench.report.formats.markdown import bullets, wrap
from bench.report.gaps_block import gaps_block
from bench.report.order_block import span
from bench.report.provenance import provenance, sentence
from bench.report.quarters_block import quarters_block
from bench.report.report import Report, build
from bench.report.table import Block, Grid, Table
from bench.text import MISSING
from bench.verdicts.across import across as across_of
from bench.verdicts.effects import FUSION, SEED, effects_of
from bench.yaml12 import read_yaml

ROOT = Path(__file__).parents[1]
PAGES, RECORDS = ROOT / "docs" / "studies", ROOT / "results" / "reference" / "studies"
ADVICE = ROOT / "bench" / "advise" / "cases.json"
PART = re.compile(r"<!-- ([a-z]+)(?: ([a-z-]+) ([a-z0-9_]+))? -->\n.*?<!-- end -->", re.DOTALL)
CLAIMS = ROOT / "docs" / "published-orders.md"
# What sizes were matched by.
SIZE = re.compile(r":(head|width|rank|perspectives)=[0-9]+")
FRONT = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)
DRAWN = {"color", "contours", "shapes", "texture"}
# Shown in a short table beside the best and the last ones.
KNOWN, BEST, LAST = ("concat", "abs_diff", "hadamard", "cosine"), 4, 1
OVER = "concat"


def across(report: Report, metric: str) -> Iterator[str]:
    """Fusions on all domains beside each other."""
    for found in report.across:
        yield from _block(title(found), across_block(found))


def short(report: Report, metric: str) -> Iterator[str]:
    """The same of the best and the last ones and of what everybody knows."""
    for found in report.across:
        whole = grid(found)
        last = len(whole.rows) - LAST
        shown = [row for place, row in enumerate(whole.rows) if place < BEST or place >= last or _base(row[0]) in KNOWN]
        yield Grid(whole.header, shown, whole.left).markdown()


def single(report: Report, metric: str) -> Iterator[str]:
    """Fusions on the only domain trained on, and on what else they were tested."""
    for section in report.sections:
        found = Table(section, [metric], ()).main()
        if found is not None:
            yield wrap(caption(section)[1])
            yield found.markdown()


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


def transfer(report: Report, metric: str) -> Iterator[str]:
    """Whether drawn domains order the fusions as the others do, and what it would cost to choose by one of them."""
    (board,) = report.across
    real = [domain for domain in board.domains if _base(domain) not in DRAWN]
    drawn = [domain for domain in board.domains if domain not in real]
    found = {frozenset((one.first, one.second)): one for one in board.agreements}
    pairs = [[found[frozenset((row, column))] for column in real] for row in drawn]
    cells = [[f"{one.correlation:.2f} ({span(one.low, one.high)})" for one in row] for row in pairs]
    yield Grid(["order on", *real], [[row, *own] for row, own in zip(drawn, cells, strict=True)], left=1).markdown()
    within = [one.correlation for pair, one in found.items() if pair <= set(real)]
    ceilings = [one.ceiling for row in pairs for one in row]
    yield wrap(
        f"Rank correlation (Spearman's) of {len(board.fusions)} fusions with its 95 % interval. It could be "
        f"{min(ceilings):.2f} to {max(ceilings):.2f}, given how well each order repeats; among {', '.join(real)} it "
        f"is {min(within):.2f} to {max(within):.2f}."
    )
    (aim,) = across_of([one for one in report.sections if one.domain in real], metric)
    rows = []
    for domain in drawn:
        (own,) = across_of([one for one in report.sections if one.domain == domain], metric, fewest=1)
        lost = {fusion: aim.lead_over(fusion) for fusion in own.may_be_best}
        told = [
            f"{fusion} {100 * one.mean:.2f} ({100 * one.low:.2f} to {100 * one.high:.2f})"
            if one.mean
            else f"{fusion} 0"
            for fusion, one in lost.items()
        ]
        rows.append([domain, "; ".join(told)])
    yield Grid(
        ["chosen on", "may be the best there, and how far behind the best elsewhere, points"], rows, 2
    ).markdown()
    yield wrap(f"Elsewhere: the mean over {', '.join(real)}, where {aim.fusions[0]} is the best.")


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


def published(report: Report, metric: str) -> Iterator[str]:
    """The claims at the top of the page, each with the difference that was measured here and what it says of it."""
    claims = read_yaml(FRONT.match(CLAIMS.read_text())[1])["claims"]
    tested = sum("study" in claim for claim in claims)
    header = ["published", "by", "here", "points", "interval", "verdict"]
    rows = [_claim(**claim, confidence=1 - 0.05 / tested) for claim in claims]
    yield Grid(header, rows, left=3).markdown()
    yield _pages(claim["study"] for claim in claims if "study" in claim)
    yield wrap(
        f"Differences are paired by replicate or seed and averaged over the domains; each interval holds at 5 % / "
        f"{tested}, so that all of them hold together with 95 % confidence. Those over seeds are of one warm-up and "
        "one test set, whose draw they leave out."
    )


def _claim(
    said: str, source: str, confidence: float, study: str = "", better: str = "", worse: str = "", metric: str = "auc",
    domains: Sequence[str] = (), why: str = "",
) -> list[str]:  # fmt: skip
    if not study:
        return [said, source, why, MISSING, MISSING, "not testable"]
    sections = _report(study, metric).sections
    (board,) = across_of([one for one in sections if not domains or one.domain in domains], metric, fewest=1)
    lead = board.lead(*(_named(board.fusions, name) for name in (better, worse)), confidence)
    verdict = "confirmed" if lead.low > 0 else "contradicted" if lead.high < 0 else "not told apart"
    where = f", {', '.join(domains)} alone" if domains else ""
    here = f"{better} over {worse} ({study}{where}; {metric}, n = {board.repetitions})"
    points = [f"{100 * one:+.2f}" for one in (lead.mean, lead.low, lead.high)]
    return [said, source, here, points[0], f"{points[1]} to {points[2]}", verdict]


def _pages(studies: Iterable[str]) -> str:
    """Links to the pages of studies, from a page of the documentation."""
    return f"Studies: {', '.join(f'[{one}](studies/{one}.md)' for one in sorted(set(studies)))}."


def _named(fusions: Sequence[str], name: str) -> str:
    """The one of that name, whatever its size was matched to."""
    found = [one for one in fusions if SIZE.sub("", one) == name]
    if len(found) != 1:
        sys.exit(f"{CLAIMS.name}: {name} is {len(found)} of {', '.join(fusions)}")
    return found[0]


def advice(report: Report, metric: str) -> Iterator[str]:
    """What all studies found best, for a page of the documentation."""
    yield advice_grid(read_cases()).markdown()
    yield _pages(case.study for case in read_cases())


PARTS: Mapping[str, Callable[[Report, str], Iterator[str]]] = {
    "across": across,
    "advice": advice,
    "gaps": gaps,
    "made": made,
    "published": published,
    "short": short,
    "single": single,
    "spread": spread,
    "transfer": transfer,
}


def _block(heading: str, block: Block | None) -> Iterator[str]:
    if block is not None:
        yield from [f"**{heading}**"] if heading else []
        yield wrap(block.sentence)
        yield from block.tables
        yield from map(wrap, block.legend)


def _base(fusion: str) -> str:
    """Its name without what a study chose for it."""
    return fusion.partition(":")[0]


@cache
def _report(study: str, metric: str) -> Report:
    return build(load_runs([RECORDS / study]), (metric,), ())


def cases() -> list[Case]:
    """The cases of all studies, with what their records say."""
    fronts = [(page.stem, FRONT.match(page.read_text())) for page in sorted(PAGES.glob("*.md"))]
    return [_case(study, **told) for study, front in fronts if front for told in read_yaml(front[1])["cases"]]


def _case(study: str, pairs: str, protocol: str, metric: str, domains: list[str], aligned: bool | None = None) -> Case:
    own = [one for one in _report(study, metric).sections if one.domain in domains and one.protocol == protocol]
    (board,) = across_of(own, metric, fewest=1)
    over = next(fusion for fusion in board.fusions if _base(fusion) == OVER)
    lead = board.lead_over(over)
    return Case(
        pairs=pairs,
        protocol=protocol,
        aligned=aligned,
        metric=metric,
        domains=list(board.domains),
        repetitions=board.repetitions,
        backbone=board.conditions.backbone,
        use=[_base(fusion) for fusion in board.may_be_best],
        of=len(board.fusions),
        over=OVER,
        lead=round(lead.mean, 4),
        low=round(lead.low, 4),
        high=round(lead.high, 4),
        avoid=[_base(fusion) for fusion in board.fusions[::-1] if fusion not in board.may_be_best][:3],
        study=study,
    )


def rewritten(page: Path) -> str:
    """The page with its parts made anew."""

    def part(match: re.Match[str]) -> str:
        name, study, metric = match.groups()
        body = "\n\n".join(PARTS[name](_report(study, metric) if study else None, metric))
        opening = " ".join(filter(None, match.groups()))
        return f"<!-- {opening} -->\n\n{body}\n\n<!-- end -->"

    return PART.sub(part, page.read_text())


def texts() -> Iterator[tuple[Path, str]]:
    """Every file that depends on records, with what it should hold. The cases come first: pages quote them."""
    yield ADVICE, TypeAdapter(list[Case]).dump_json(cases(), indent=2).decode() + "\n"
    for page in (*sorted(PAGES.glob("*.md")), CLAIMS, ROOT / "docs" / "which-join.md", ROOT / "README.md"):
        yield page, rewritten(page)


def main() -> int:
    """Exit code: 1 where something is not current and only a check was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing")
    check = parser.parse_args().check
    stale = 0
    for file, text in texts():
        if not file.is_file() or file.read_text() != text:
            stale += 1
            print(f"{file.relative_to(ROOT)}: {'not what the records say' if check else 'written'}")
            if not check:
                file.write_text(text)
    return int(bool(stale) and check)


if __name__ == "__main__":
    sys.exit(main())
