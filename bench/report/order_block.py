"""How the domains that a section was tested on order its fusions: a block, a table, and the same for JSON."""

from __future__ import annotations

import math
from typing import Any

from bench.plots.style import metric_label
from bench.records.sections import Section
from bench.report.table import Block, Grid
from bench.text import MISSING, count_of, defined
from bench.verdicts.order import Order, order_of

MOST_NAMED = 8


def order_block(section: Section, metric: str) -> Block | None:
    """The block of a section of a single backbone; None where fewer than two domains order three fusions."""
    found = order_of(section, metric)
    return Block(sentence(section, found, metric), [grid(section, found).markdown()]) if found else None


def as_dicts(section: Section, metric: str) -> list[dict[str, Any]]:
    """The orders for JSON, one for each backbone, with every two domains; None for what is not defined."""
    rows = []
    for backbone in section.backbones:
        found = order_of(section.of(backbone), metric)
        if found:
            pairs = [{name: defined(value) for name, value in vars(pair).items()} for pair in found.pairs]
            best_first = {domain: list(names) for domain, names in found.best_first.items()}
            rows.append({"backbone": backbone, "n_shared": found.blocks, "best_first": best_first, "pairs": pairs})
    return rows


def grid(section: Section, found: Order) -> Grid:
    """One row per domain: how it agrees with the one trained on, and its order."""
    with_home = {pair.second: pair for pair in found.pairs if pair.first == section.domain}
    names = {domain: name for name, domain in section.shifts.items()}
    rows = []
    for domain, order in found.best_first.items():
        pair = with_home.get(domain)
        cells = [number(pair.correlation), span(pair.low, pair.high), number(pair.ceiling)] if pair else [MISSING] * 3
        rows.append([names.get(domain, domain), *cells, _named(order)])
    return Grid(["domain", "rank correlation", "95 % interval", "ceiling", "best first"], rows, left=1)


def sentence(section: Section, found: Order, metric: str) -> str:
    """How to read the table."""
    count, every = len(next(iter(found.best_first.values()))), f"{section.repeats}s"
    return (
        f"How alike {metric_label(metric)} on another domain and on {section.domain} order {count} fusions: Spearman's "
        f"rank correlation of means over {count_of(found.blocks, section.repeats)}, with the interval of a bootstrap "
        f"over {every}; errors of the means make it lower than that of the true orders. Ceiling: what it would be if "
        f"both ordered them alike, given how well the order by one half of the {every} predicts that by the other "
        "half. Errors that a run makes on both domains can lift it higher."
    )


def _named(order: tuple[str, ...]) -> str:
    """The names, of many the first and the last ones."""
    if len(order) <= MOST_NAMED:
        return ", ".join(order)
    return f"{', '.join(order[: MOST_NAMED // 2])}, … {', '.join(order[-MOST_NAMED // 2 :])}"


def number(value: float) -> str:
    """A correlation as text; a dash where there is none."""
    return MISSING if math.isnan(value) else f"{value:.2f}"


def span(low: float, high: float) -> str:
    """The interval of one; a dash where there is none."""
    return MISSING if math.isnan(low) else f"{low:.2f} to {high:.2f}"
