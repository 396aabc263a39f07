"""The 2 x 2: how the fusions of a section do on seen and on new classes, in seen and in new groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.metrics import METRICS
from bench.plots.style import metric_label
from bench.quarters import QUARTERS
from bench.records.entries import Entry
from bench.records.sections import Section
from bench.report.table import Block, Grid, estimate_text, named
from bench.stats.intervals import LEVEL
from bench.stats.paired import paired
from bench.text import defined
from bench.verdicts.gaps import Contrast, gap_covariances, gap_table, quarter_contrasts, quarter_domains

# Mean and half width of the interval.
Estimate = tuple[float, float]

# In the names of tables.
WORD = "quarters"


def quarters_block(section: Section, metric: str) -> Block | None:
    """The table of a section of a single backbone; None where fewer than two quarters were tested."""
    found = grid(section, metric)
    return Block(sentence(section, metric), [found.markdown()]) if found else None


def sentence(section: Section, metric: str) -> str:
    """How to read the table."""
    return (
        f"{metric_label(metric)} after training on {section.domain} alone, mean ± half width of the {LEVEL:.0%} t "
        f"interval over {section.repeats}s: a class or group is seen where training shows it, new where neither "
        "training nor validation does. The last columns are the mean change, paired by "
        f"{section.repeats}, that new classes and new groups bring."
    ).replace("% t", " % t")


def grid(section: Section, metric: str) -> Grid | None:
    """One row per fusion, best first, then references; a column per quarter and gap that was tested."""
    measured = _measured(section, metric)
    if not measured:
        return None
    names, gaps = (list(columns) for columns in measured[0][1:])
    has_groups = {"novel_group", "novel_both"} & set(names)
    headers = [QUARTERS[name] if has_groups else QUARTERS[name].partition(",")[0] for name in names]
    unit = METRICS.get(metric).name
    rows = [
        [named(entry), *(estimate_text(*found) for found in (*quarters.values(), *changes.values()))]
        for entry, quarters, changes in measured
    ]
    return Grid(["fusion", *headers, *(f"{what}: Δ {unit}" for what in gaps)], rows, left=1)


def as_dicts(section: Section, metric: str) -> list[dict[str, Any]]:
    """The rows of the table for JSON, those of every backbone; None for what is not defined."""
    rows = []
    for backbone in section.backbones:
        for entry, quarters, changes in _measured(section.of(backbone), metric):
            names = {"fusion": entry.group.fusion, "backbone": backbone, "metric": metric}
            columns = {**quarters, **{what.replace(" ", "_"): found for what, found in changes.items()}}
            rows.append(names | {name: _estimate_dict(*found) for name, found in columns.items()})
    return rows


def _measured(section: Section, metric: str) -> list[tuple[Entry, Mapping[str, Estimate], Mapping[str, Estimate]]]:
    """Each entry with its estimates by quarter and by gap, of a section of a single backbone; none where fewer than
    two quarters were tested."""
    domains = quarter_domains(section)
    if len(domains) < 2:
        return []
    entries = [*section.ranked("fusion", metric), *section.references()]
    tested = [entry for entry in entries if any(entry.tested(domain) for domain in domains.values())]
    return [
        (
            entry,
            {name: (entry.mean(of, metric), entry.half_width(of, metric)) for name, of in domains.items()},
            {contrast.name: _gap(entry, contrast, metric) for contrast in quarter_contrasts(section)},
        )
        for entry in tested
    ]


def _gap(entry: Entry, contrast: Contrast, metric: str) -> Estimate:
    """Mean of the gap over repetitions, with its interval."""
    shared = gap_covariances([entry], contrast, metric)
    gaps = gap_table([entry], contrast, metric)[:, 0]
    found = paired(gaps[~np.isnan(gaps)], shared=shared.of(0))
    return found.mean, found.half_width


def _estimate_dict(mean: float, half_width: float) -> dict[str, float | None]:
    values = {"mean": mean, "half_width": half_width}
    return {name: defined(value) for name, value in values.items()}
