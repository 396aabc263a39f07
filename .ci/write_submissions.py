"""Writes the page of what others handed in from its raw records, or checks that it is current.

A submission is a run folder in ``results/reference/submissions``; its tables stand in ``docs/submissions.md`` after the
line ``<!-- submissions -->``.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.markup import markdown
from bench.records.load import Run, load_runs, without_runs
from bench.report.caption import caption
from bench.report.formats.markdown import bullets, wrap
from bench.report.provenance import provenance, sentence
from bench.report.report import build
from bench.report.table import Table
from bench.text import count_of

ROOT = Path(__file__).parents[1]
PAGE, RECORDS = ROOT / "docs" / "submissions.md", ROOT / "results" / "reference" / "submissions"
MARK = "<!-- submissions -->\n"
METRICS, COSTS = ("accuracy", "auc"), ("params", "macs")


def body(folder: Path) -> str:
    """What stands after the mark: who handed in what, then a table for each set of conditions."""
    if not folder.is_dir() or without_runs([folder]):
        return "None yet.\n"
    return "\n\n".join(_blocks(load_runs([folder]))) + "\n"


def _blocks(runs: Sequence[Run]) -> Iterator[str]:
    yield bullets([_about(run) for run in runs])
    report = build(runs, METRICS, COSTS)
    yield from map(wrap, report.notes)
    for section in report.sections:
        table = Table(section, METRICS, COSTS)
        conditions, how_to_read, *_ = caption(section)
        yield f"### {markdown(section.title)}"
        yield wrap(f"{conditions} {how_to_read}")
        main = table.main()
        if main is not None:
            yield main.markdown()
        yield table.references().markdown()


def _about(run: Run) -> str:
    """One submission in a line: its cells by how they ended, when, by which code, on which machine."""
    counts = Counter(cell.status.replace("_", " ") for cell in run.cells)
    cells = ", ".join(f"{n} {status}" for status, n in counts.most_common())
    facts = "; ".join(sentence(one) for one in provenance([run]))
    return f"{facts}; {count_of(len(run.cells), 'cell')}: {cells}"


def text(folder: Path = RECORDS) -> str:
    """The whole page."""
    before, mark, _ = PAGE.read_text().partition(MARK)
    return f"{before}{mark}\n{body(folder)}"


def main() -> int:
    """Exit code: 1 where the page is not current and only a check was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing")
    check, current = parser.parse_args().check, text()
    if PAGE.read_text() == current:
        return 0
    print(f"{PAGE.relative_to(ROOT)}: {'not what the records say' if check else 'written'}")
    if not check:
        PAGE.write_text(current)
    return int(check)


if __name__ == "__main__":
    sys.exit(main())
