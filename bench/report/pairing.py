"""Which runs may be paired: those that differ in what is compared, and in nothing that a record tells."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from bench.report.load import Cell


def are_alike(cells: Sequence[Cell], domain: str) -> bool:
    """Whether runs may be paired: from one warm-up, on the same versions of the data, tested on as many pairs.

    What a record does not name, such as the warm-up of a fusion that uses none, tells nothing apart.

    Args:
        domain: tested on.
    """
    facts = zip(*(_facts(cell, domain) for cell in cells), strict=True)
    return all(len(set(values) - {None}) <= 1 for values in facts)


def _facts(cell: Cell, domain: str) -> tuple[Hashable, ...]:
    return (
        _warmup(cell),
        _version(cell, cell.group.domain),
        _version(cell, domain),
        cell.test_pairs.get(domain),
    )


def _warmup(cell: Cell) -> Hashable:
    """Where training started: two runs of one warm-up agree in its quality to the last digit only on one machine."""
    return cell.warmup.get("quality")


def _version(cell: Cell, domain: str) -> Hashable:
    facts = cell.data.get(domain)
    return None if facts is None else (facts.get("version"), facts.get("content"))
