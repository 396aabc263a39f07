"""Writes what is said of the studies from their records, or checks that it is current.

A study is a configuration in ``configs/studies``, its records in ``results/reference/studies`` and its page in
``docs/studies``, all of one name. In a page ``<!-- PART STUDY METRIC -->`` begins a part that ends at ``<!-- end -->``,
and the cases at the top of the page of a study become those of ``bench advise``. One run of a study that has several is
``STUDY/RUN``.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter
from study_parts import OF_A_STUDY, Part, base, training_pairs

from bench.advise.cases import Case, read_cases
from bench.advise.table import grid as advice_grid
from bench.records.load import load_runs
from bench.records.sections import Section
from bench.report.formats.markdown import wrap
from bench.report.report import Report, build
from bench.report.table import Grid
from bench.text import MISSING
from bench.verdicts.across import across as across_of
from bench.yaml12 import read_yaml

ROOT = Path(__file__).parents[1]
PAGES, RECORDS = ROOT / "docs" / "studies", ROOT / "results" / "reference" / "studies"
ADVICE = ROOT / "bench" / "advise" / "cases.json"
PART = re.compile(r"<!-- ([a-z]+)(?: ([a-z0-9/-]+) ([a-z0-9_]+))? -->\n.*?<!-- end -->", re.DOTALL)
CLAIMS = ROOT / "docs" / "published-orders.md"
# What sizes were matched by.
SIZE = re.compile(r":(head|width|rank|perspectives)=[0-9]+")
FRONT = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)
INTERVAL, STUDY = re.compile(r"\S+ \(\S+ to \S+\)"), re.compile(r"\| ([a-z-]+) \((?=[0-9]+ joins)")
OVER = "concat"


def published(report: Report, metric: str) -> Iterator[str]:
    """The claims at the top of the page, each with the difference that was measured here and what it says of it."""
    claims = read_yaml(FRONT.match(CLAIMS.read_text())[1])["claims"]
    tested = sum("study" in claim for claim in claims)
    header = ["published", "by", "here", "points", "interval", "verdict"]
    rows = [_claim(**claim, confidence=1 - 0.05 / tested) for claim in claims]
    yield Grid(header, rows, left=3).markdown()
    yield _pages(claim["study"] for claim in claims if "study" in claim)
    yield wrap(
        f"Differences are paired by replicate and averaged over the domains; each interval holds at 5 % / {tested}, "
        "so that all of them hold together with 95 % confidence. Above 0 the first join is the better one, whether "
        "more or less of the metric is."
    )


def _claim(
    said: str, source: str, confidence: float, study: str = "", better: str = "", worse: str = "", metric: str = "auc",
    domains: Sequence[str] = (), shift: str = "", why: str = "", run: str = "",
) -> list[str]:  # fmt: skip
    if not study:
        return [said, source, why, MISSING, MISSING, "not testable"]
    sections = _report(Path(study, run), metric).sections
    (board,) = across_of(
        [one for one in sections if not domains or one.domain in domains], metric, fewest=1, shift=shift
    )
    assert board.conditions.repeats == "replicate", study
    lead = board.lead(*(_named(board.fusions, name) for name in (better, worse)), confidence)
    verdict = "confirmed" if lead.low > 0 else "contradicted" if lead.high < 0 else "not told apart"
    where = (f", {', '.join(domains)} alone" if domains else "") + (f", tested on {shift} classes" if shift else "")
    here = f"{better} over {worse}{why and f', {why}'} ({study}{where}; {metric}, n = {board.repetitions})"
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
    """What all studies found best, for a page of the documentation, with links; no number is torn from its interval."""
    table = advice_grid(read_cases())
    rows = [
        [INTERVAL.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), cell) for cell in row]
        for row in table.rows
    ]
    yield STUDY.sub(r"| [\1](studies/\1.md) (", Grid(table.header, rows, table.left).markdown())


PARTS: Mapping[str, Part] = {**OF_A_STUDY, "advice": advice, "published": published}


@cache
def _report(study: Path, metric: str) -> Report:
    """Of a study, or of one run of it."""
    return build(load_runs([RECORDS / study]), (metric,), ())


def cases() -> list[Case]:
    """The cases of all studies, with what their records say."""
    fronts = [(page.stem, FRONT.match(page.read_text())) for page in sorted(PAGES.glob("*.md"))]
    return [_case(study, **told) for study, front in fronts if front for told in read_yaml(front[1])["cases"]]


def _case(
    study: str, pairs: str, protocol: str, metric: str, domains: list[str], aligned: bool | None = None,
    shift: str = "", train_pairs: int | None = None, run: str = "",
) -> Case:  # fmt: skip
    own = [
        one for one in _report(Path(study, run), metric).sections if one.domain in domains and one.protocol == protocol
    ]
    own = [one for one in own if train_pairs in (None, training_pairs(one))]
    (board,) = across_of(own, metric, fewest=1, shift=shift)
    over = next(fusion for fusion in board.fusions if base(fusion) == OVER)
    lead = board.lead_over(over)
    return Case(
        pairs=pairs,
        protocol=protocol,
        aligned=aligned,
        metric=metric,
        domains=list(board.domains),
        shift=shift,
        train_pairs=train_pairs,
        repetitions=board.repetitions,
        backbone=board.conditions.backbone,
        use=[base(fusion) for fusion in board.may_be_best],
        of=len(board.fusions),
        over=OVER,
        lead=round(lead.mean, 4),
        low=round(lead.low, 4),
        high=round(lead.high, 4),
        macs=round(_macs(own, board.fusions[0]) / _macs(own, over), 3),
        avoid=[base(fusion) for fusion in board.fusions[::-1] if fusion not in board.may_be_best][:3],
        study=study,
        run=run,
    )


def _macs(sections: Sequence[Section], fusion: str) -> float:
    """Multiply-adds of a pair, mean over the domains."""
    entries = [entry for section in sections for entry in section.entries if entry.group.fusion == fusion]
    return sum(entry.cost("macs") for entry in entries) / len(entries)


def rewritten(page: Path) -> str:
    """The page with its parts made anew."""

    def part(match: re.Match[str]) -> str:
        name, study, metric = match.groups()
        body = "\n\n".join(PARTS[name](_report(Path(study), metric) if study else None, metric))
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
