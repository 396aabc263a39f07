"""Writes docs/conformance.md from the checks and from the list of planted bugs, or checks that it is current."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bench.conformance.kinds import KINDS, OF_ALL
from bench.conformance.suite import CHECKS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "conformance.md"
BUGS = ROOT / "tests" / "conformance" / "planted_bugs.yaml"

TEXT = """# The conformance suite

`bench test FILE` runs these checks on whatever a file registers, kind by kind, and on its fusions with every backbone;
CI runs them on all that is built in. `make docs` writes this page from the checks and from
`tests/conformance/planted_bugs.yaml`.

## How they run

Loading the file and checking it are done in a process of their own, so that no plug-in decides how `bench test` ends.
A check has failed that raises whatever it may, `SystemExit` included, that ends its process with any exit code, 0
included, that stops it, or that takes longer than `--limit` (60 s); the table says which. The checks that are left go
on in another process. Only where `builds` or `shape` fails are the rest of that subject left out: they would repeat
it. What a plug-in prints is dropped, and what it starts ends with the process.

`--only NAME,GLOB` chooses from what is registered, `--backbone` the backbones for fusions. The table is printed on
stdout, progress on stderr.

| exit code | meaning |
| --- | --- |
| 0 | every check has a result, and none failed |
| 1 | a check failed |
| 2 | the file does not load, or an option is wrong |
| 130 | interrupted by Ctrl-C; what was found before is printed |

## Every kind

A kind is one of {kinds}. These hold for each.

{of_all}

{of_kinds}

## A fusion on a backbone

{checks}

A fusion that states a `known_failure` is kept to show a mistake: it must fail at least one check.

## Planted bugs

A test plants each of these {number} bugs into a sound fusion and sees the check fail that is there for it, with a
message that names the cause; no other check may fail but those in the last column.

Seen in published code of fusion methods, or asked about by its users:

{seen}

Easily made:

{other}
"""


BUILDS = {"builds": "It builds with its defaults, where the harness supplies nothing or the checks of the kind do."}


def page() -> str:
    """The text of the page."""
    bugs = yaml.safe_load(BUGS.read_text())
    checks = {"builds": "It builds with its defaults and loses no parameter that it makes."}
    checks |= {name: _first(check) for name, check in CHECKS.items()}
    kinds = [kind for kind, own in KINDS.items() if own.checks]
    return TEXT.format(
        kinds=", ".join(KINDS),
        of_all=_checks({name: _first(check) for name, check in OF_ALL.items()} | BUILDS),
        of_kinds="\n\n".join(
            f"## {kind[0].upper()}{kind[1:]}\n\n" + _checks({n: _first(c) for n, c in KINDS[kind].checks.items()})
            for kind in kinds
        ),
        checks=_checks(checks),
        number=len(bugs),
        seen=_bugs(bug for bug in bugs if bug.get("seen")),
        other=_bugs(bug for bug in bugs if not bug.get("seen")),
    )


def _checks(checks: Mapping[str, str]) -> str:
    return _table(("check", "what holds"), ((f"`{name}`", text) for name, text in checks.items()))


def _first(check: Any) -> str:
    """First paragraph of its docstring, on one line."""
    return " ".join((inspect.getdoc(check) or "").split("\n\n")[0].split()).replace("``", "`")


def _bugs(bugs: Iterable[dict[str, Any]]) -> str:
    rows = (
        (bug["bug"], f"`{bug['caught_by']}`", ", ".join(f"`{name}`" for name in bug.get("also", []))) for bug in bugs
    )
    return _table(("bug", "caught by", "also fails"), rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def main() -> int:
    """Return 1 where the page is out of date and ``--check`` is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is out of date")
    options = parser.parse_args()
    if not options.check:
        PAGE.write_text(page())
        return 0
    if PAGE.exists() and PAGE.read_text() == page():
        return 0
    print(f"{PAGE.name} is out of date: run `make docs`")
    return 1


if __name__ == "__main__":
    sys.exit(main())
