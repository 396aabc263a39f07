"""What the runs behind a table do not have in common, for its caption: machines, warm-ups, test data."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from bench.records.machine import names_of
from bench.records.record import Record
from bench.records.sections import Section
from bench.text import count_of


def origins(section: Section) -> list[str]:
    """Sentences on what differs between the cells of a table besides fusion, backbone and seed; none where nothing."""
    return [*_machines(section.finished), *_warmups(section), *_data(section.finished)]


def _machines(cells: Sequence[Record]) -> Iterator[str]:
    counts = Counter(cell.machine for cell in cells)
    if len(counts) > 1:
        each = "; ".join(sorted(f"{names_of([machine])[0]} ({count_of(n, 'cell')})" for machine, n in counts.items()))
        yield (
            f"From {len(counts)} machines, where other workers or threads count as another: {each}. Their scores stand "
            "together, as data and order are the same everywhere and only rounding is not; pairs/s are left out."
        )
    elif None in counts:
        yield "Pairs/s are left out: run.json does not say on which machine they were measured."


def _warmups(section: Section) -> Iterator[str]:
    for backbone in section.backbones:
        # Each replicate has a warm-up of its own, seeds share theirs.
        every: dict[int, set[float]] = defaultdict(set)
        for cell in section.finished:
            quality = cell.warmup.get("quality")
            if cell.group.backbone == backbone and quality is not None:
                every[cell.seed if section.repeats == "replicate" else 0].add(quality)
        found = max(every.values(), key=len, default=set())
        if len(found) > 1:
            qualities = ", ".join(sorted(f"{quality:.4g}" for quality in found))
            yield (
                f"Backbone {backbone} was warmed up {len(found)} times (quality {qualities}): scores differ by that, "
                "too, and runs from different warm-ups are not paired."
            )


def _data(cells: Sequence[Record]) -> Iterator[str]:
    for domain in sorted({domain for cell in cells for domain in cell.eval}):
        versions = _counted(_version_text(cell, domain) for cell in cells)
        pairs = _counted(f"{cell.eval[domain].pairs:,} pairs" for cell in cells if domain in cell.eval)
        for different in (versions, pairs):
            if len(different) > 1:
                which = ", ".join(different)
                yield f"Not the same test pairs of {domain} in every cell ({which}): these are not paired."


def _version_text(cell: Record, domain: str) -> str:
    facts = cell.data.get(domain, {})
    files = ", ".join(text[:8] for text in facts.get("content", {}).values())
    return f"version {facts['version']}{f' of other files ({files})' if files else ''}" if "version" in facts else ""


def _counted(texts: Iterable[str]) -> list[str]:
    counts = Counter(text for text in texts if text)
    return [f"{text} in {count_of(n, 'cell')}" for text, n in sorted(counts.items())]
