"""Ranks, interquartile means, performance profiles and failure rates of the fusions of a section, over all its runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.metrics import METRICS, SHARE
from bench.records.blocks import Complete, complete_blocks, scores
from bench.records.entries import Entry
from bench.records.record import Repeats
from bench.records.sections import Section
from bench.report.table import Block, Grid
from bench.stats.bootstrap import FEWEST_BLOCKS, iqm, paired_bootstrap, profile
from bench.stats.improvement import share_of
from bench.text import SMALLEST_P, count_of, p_text
from bench.verdicts.ranks import Ranks, mean_ranks

LEVELS = np.array([0.75, 0.9])


def aggregates_block(section: Section, metric: str) -> Block | None:
    """The table of a section of a single backbone; only a sentence where too few are complete, None without fusions.

    Fusions that miss a repetition which another one finished are left out and named. Tasks are the domains, shifts
    left out, on which all others were tested.
    """
    fusions = [entry for entry in section.entries if entry.role == "fusion" and scores(entry, section.domain, metric)]
    if not fusions:
        return None
    every = set().union(*(scores(entry, section.domain, metric) for entry in fusions))
    ranked = [entry for entry in fusions if scores(entry, section.domain, metric).keys() == every]
    complete = complete_blocks(ranked, section.domain, metric)
    if len(ranked) < 2 or len(complete.blocks) < FEWEST_BLOCKS:
        found = f"{len(ranked)} of {len(fusions)} fusions finished all of {count_of(len(every), section.repeats)}"
        needed = count_of(FEWEST_BLOCKS, section.repeats)
        apart = len(every) - len(complete.blocks)
        unpaired = f", {apart} of which cannot be paired" if len(ranked) > 1 and apart else ""
        return Block(f"None: {found}{unpaired}; it takes 2 fusions and {needed}.", [])
    ranks = mean_ranks(complete, METRICS.get(metric).direction)
    tasks = _tasks(section, ranked, metric, complete)
    values = np.stack([found.values.T for found in tasks.values()], axis=1)
    complete_ones = set(complete.fusions)
    missing = ", ".join(entry.group.fusion for entry in fusions if entry.group.fusion not in complete_ones)
    return Block(
        _sentence(ranks, tasks, metric, section.repeats),
        [_grid(ranked, ranks, values, metric).markdown()],
        [f"Not ranked, for they miss a {section.repeats} that others finished: {missing}."] if missing else [],
    )


def _tasks(section: Section, ranked: Sequence[Entry], metric: str, own: Complete) -> dict[str, Complete]:
    """The domains tested on with scores of all of ``ranked`` on the same blocks as on the domain trained on."""
    found = {domain: complete_blocks(ranked, domain, metric) for domain in section.other_domains}
    same = {domain: one for domain, one in found.items() if (one.fusions, one.blocks) == (own.fusions, own.blocks)}
    return {section.domain: own, **same}


def _grid(ranked: Sequence[Entry], ranks: Ranks, values: NDArray[np.float64], metric: str) -> Grid:
    """One row per fusion, best mean rank first; ``values`` (fusions, tasks, seeds)."""
    middle = paired_bootstrap(values, iqm)
    columns = [[f"{v:.3f} ({a:.3f} to {b:.3f})" for v, a, b in zip(middle.value, middle.low, middle.high, strict=True)]]
    header = ["fusion", "mean rank", "IQM"]
    if METRICS.get(metric).unit == SHARE:
        above = paired_bootstrap(values, profile(LEVELS))
        header += [f"above {level:g}" for level in LEVELS]
        columns += [
            [f"{v:.2f} ({a:.2f} to {b:.2f})" for v, a, b in zip(*ends, strict=True)]
            for ends in zip(above.value.T, above.low.T, above.high.T, strict=True)
        ]
    direction = METRICS.get(metric).direction
    worst = (values * direction).min(axis=(1, 2)) * direction
    columns += [[f"{value:.3f}" for value in worst], [_failed(entry) for entry in ranked]]
    rows = [
        [entry.group.fusion, f"{ranks.mean[i]:.2f}", *(column[i] for column in columns)]
        for i, entry in enumerate(ranked)
    ]
    order = np.argsort(ranks.mean, kind="stable")
    return Grid([*header, "worst run", "failed"], [rows[i] for i in order], left=1)


def _failed(entry: Entry) -> str:
    share = share_of(len(entry.failed), len(entry.failed) + len(entry.finished))
    return f"{share.share:.2f} ({share.low:.2f} to {share.high:.2f})"


def _sentence(ranks: Ranks, tasks: Iterable[str], metric: str, repeats: Repeats) -> str:
    if ranks.critical_difference is None:
        distance = f"{ranks.reason[0].upper()}{ranks.reason[1:]}."
    else:
        distance = f"Mean ranks closer than {ranks.critical_difference:.2f} are not told apart (Nemenyi, 5 %)."
    p = p_text(ranks.p) if ranks.p < SMALLEST_P else f"= {p_text(ranks.p)}"
    return (
        f"Mean rank by {metric} over {count_of(ranks.n, repeats)}; that all fusions rank alike has p {p} (Friedman). "
        f"{distance} IQM: mean of the middle half of the runs tested on {', '.join(tasks)}, with the 95 % interval of "
        f"a bootstrap that draws the same {repeats}s for all fusions; above: share of these runs; failed: share of "
        f"the runs that were tried, with its Wilson interval."
    )
