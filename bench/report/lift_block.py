"""What fusions add to the controls that are above chance, as the distance of pixels is on photographs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.metrics import METRICS
from bench.plots.style import metric_label
from bench.records.blocks import differences, shared_by
from bench.records.entries import Entry
from bench.records.sections import Section
from bench.report.table import Block, Grid, estimate_text, named
from bench.stats.intervals import LEVEL
from bench.stats.paired import Paired, paired
from bench.text import defined

# In the names of tables.
WORD = "controls"


def lift_block(section: Section, metric: str) -> Block | None:
    """The table of a section of a single backbone; None where every control is at chance."""
    found = grid(section, metric)
    return Block(sentence(section, metric), [found.markdown()]) if found else None


def sentence(section: Section, metric: str) -> str:
    """How to read the table."""
    names = [entry.group.fusion for entry in _above_chance(section)]
    those = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} above chance on {section.domain}"
    return (
        f"{those}: such a score, and not that of a coin, is what a fusion has to beat. {metric_label(metric)} minus "
        f"that of the control, paired by {section.repeats}: mean ± half width of the {LEVEL:.0%} t interval."
    ).replace("% t", " % t")


def grid(section: Section, metric: str) -> Grid | None:
    """One row per fusion, best first, then references; a column per control above chance, the best one first."""
    controls = _above_chance(section)
    entries = _compared(section, metric)
    if not controls or not entries:
        return None
    rows = [[named(entry), *(_text(_lift(entry, control, metric)) for control in controls)] for entry in entries]
    unit = METRICS.get(metric).name
    return Grid(["fusion", *(f"over {control.group.fusion}: Δ {unit}" for control in controls)], rows, left=1)


def as_dicts(section: Section, metric: str) -> list[dict[str, Any]]:
    """The cells of the table for JSON, those of every backbone; None for what is not defined."""
    rows = []
    for part in map(section.of, section.backbones):
        for control in _above_chance(part):
            for entry in _compared(part, metric):
                found = _lift(entry, control, metric)
                values = {"lift": found.mean, "half_width": found.half_width}
                names = {"fusion": entry.group.fusion, "backbone": part.backbone, "control": control.group.fusion}
                present = {name: defined(value) for name, value in values.items()}
                rows.append(names | {"metric": metric} | present)
    return rows


def _above_chance(section: Section) -> list[Entry]:
    """Controls with an accuracy above chance on the domain trained on, the best one first."""
    controls = section.ranked("control", "accuracy")
    return [one for one in controls if one.mean(section.domain, "accuracy") > 0.5 and not one.is_at_chance()]


def _compared(section: Section, metric: str) -> Sequence[Entry]:
    entries = [*section.ranked("fusion", metric), *section.references()]
    return [entry for entry in entries if entry.tested(section.domain)]


def _lift(entry: Entry, control: Entry, metric: str) -> Paired:
    """Mean over shared repetitions of the metric minus that of the control."""
    domain = entry.group.domain
    shared = shared_by([entry, control], domain, metric)
    return paired(differences(entry, control, domain, metric), shared=shared.apart(0, 1))


def _text(found: Paired) -> str:
    return estimate_text(found.mean, found.half_width)
