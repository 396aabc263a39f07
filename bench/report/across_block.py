"""Several domains beside each other: a block, a table, and the same for JSON."""

from __future__ import annotations

from typing import Any

from bench.plots.style import metric_label
from bench.records.ties import how_bold
from bench.report.order_block import number, span
from bench.report.table import Block, Grid, estimate_text
from bench.stats.intervals import FEWEST_SEEDS
from bench.text import defined, some
from bench.verdicts.across import Across
from bench.verdicts.unit import unit_of

MOST_NAMED = 6
AGREEMENT = (
    "Rank correlation: Spearman's, of the means, with the interval of a bootstrap over repetitions; errors of the "
    "means make it lower than that of the true orders. Ceiling: what it would be if both domains ordered the fusions "
    "alike, given how well each order repeats."
)


def across_block(found: Across) -> Block:
    """The tables of a backbone with how to read them."""
    left_out = [f"Not on all of these domains: {', '.join(found.left_out)}."] if found.left_out else []
    tables = [grid(found).markdown()]
    if found.agreements:
        tables.append(agreement_grid(found).markdown())
        left_out.append(AGREEMENT)
    return Block(f"{conclusion(found)} {sentence(found)}", tables, left_out)


def title(found: Across) -> str:
    """Heading, different for every table of a report."""
    return f"{found.conditions.backbone} · {found.told_apart}"


def sentence(found: Across) -> str:
    """How to read the table."""
    several = found.repetitions > 1
    over = f"{found.repetitions} {found.conditions.repeats}{'s' if several else ''}"
    value = f"mean ± half width of the 95 % interval over {over}" if several else over
    bold = how_bold(found.repetitions, found.repetitions)
    return (
        f"{metric_label(found.metric)} on each domain after training on it, {value}, best mean over the domains first. "
        f"Bold: {bold}. {reading()}"
    )


def reading(marked: str = "be bold") -> str:
    """What marks and columns of the table do not say; ``marked``: what those that may be the best are."""
    return (
        f"A lower mean may {marked} where a higher one is not: its differences vary more. The mean is one of these "
        "domains, and says nothing of others. Behind: how far, at most, behind the best of a domain."
    )


def conclusion(found: Across) -> str:
    """Who may have the best mean over the domains, or that nothing can be inferred."""
    if found.repetitions < FEWEST_SEEDS:
        return f"No inference: fewer than {FEWEST_SEEDS} {found.conditions.repeats}s."
    return f"Not worse than the best on the mean: {some(found.may_be_best, MOST_NAMED)} (of {len(found.fusions)})."


def domain_names(found: Across) -> list[str]:
    """The domains as columns name them: without their parameters, where that tells them apart."""
    short = [domain.partition(":")[0] for domain in found.domains]
    return short if len(set(short)) == len(short) else list(found.domains)


def agreement_grid(found: Across) -> Grid:
    """One row per pair of domains: how alike they order the fusions."""
    names = dict(zip(found.domains, domain_names(found), strict=True))
    rows = [
        [f"{names[one.first]} and {names[one.second]}", number(one.correlation), span(one.low, one.high),
         number(one.ceiling)]
        for one in found.agreements
    ]  # fmt: skip
    return Grid(["order on", "rank correlation", "95 % interval", "ceiling"], rows, left=1)


def cells(found: Across, fusion: str) -> dict[str, str]:
    """Mean score of a fusion, and its scores by domain, as text; bold where none is surely better."""
    place = found.fusions.index(fusion)
    texts = map(estimate_text, found.mean[place], found.half_width[place])
    marked = [f"**{text}**" if ties else text for text, ties in zip(texts, found.ties[place], strict=True)]
    return {"mean": marked[-1], **dict(zip(found.domains, marked, strict=False))}


def grid(found: Across) -> Grid:
    """One row per fusion: its score on average and on each domain."""
    unit = unit_of(found.metric)
    rows = []
    for place, fusion in enumerate(found.fusions):
        mean, *own = cells(found, fusion).values()
        rows.append([fusion, mean, unit.size(float(found.behind[place])), *own])
    return Grid(["fusion", "mean", f"behind{unit.name}", *domain_names(found)], rows, left=1)


def as_dict(found: Across) -> dict[str, Any]:
    """The table for JSON; None for what is not defined."""
    columns = [*found.domains, "mean"]
    rows = [
        {
            "fusion": fusion,
            "behind": float(found.behind[place]),
            "scores": {
                column: {
                    "mean": float(found.mean[place, number]),
                    "half_width": defined(float(found.half_width[place, number])),
                    "tie_group": bool(found.ties[place, number]),
                }
                for number, column in enumerate(columns)
            },
        }
        for place, fusion in enumerate(found.fusions)
    ]
    told = {name: value for name, value in found.conditions._asdict().items() if name not in ("domain", "fusion")}
    return {
        **told,
        "metric": found.metric,
        "n": found.repetitions,
        "fusions": rows,
        "left_out": list(found.left_out),
        "agreements": [{name: defined(value) for name, value in vars(one).items()} for one in found.agreements],
    }
