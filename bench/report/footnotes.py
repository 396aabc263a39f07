"""What stands below a table: its marks, failed cells, combinations that do not apply, and MACs that are too low."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from bench.markup import code
from bench.records.entries import Entry
from bench.records.sections import Section
from bench.text import MISSING

NOT_LEARNED, ONLY_RANKS, SOME_SEEDS, OFF_THRESHOLD = "†", "‡", "§", "¶"


@lru_cache(maxsize=4096)
def mark(entry: Entry) -> str:
    """The footnote mark of a fusion, or nothing; references and controls have none.

    Kept, as a table, its legend and the blocks below it ask for the same.
    """
    if entry.role != "fusion":
        return ""
    if entry.is_at_chance():
        return ONLY_RANKS if entry.ranks_pairs() else NOT_LEARNED
    if entry.seeds_at_chance():
        return SOME_SEEDS
    return OFF_THRESHOLD if entry.is_off_threshold() else ""


def legend(entries: Sequence[Entry]) -> list[str]:
    """What the marks in use mean."""
    marked: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        marked[mark(entry)].append(entry)
    lines = []
    if NOT_LEARNED in marked:
        lines.append(
            f"{NOT_LEARNED} not learned: accuracy within chance (its mean is within two standard errors of a coin, "
            "2·√(0.25 / test pairs), of 0.5)"
        )
    if ONLY_RANKS in marked:
        lines.append(
            f"{ONLY_RANKS} accuracy within chance, but the AUC is not: the scores rank the pairs, "
            f"the threshold at 0 does not separate them; accuracy_tuned: {_tuned(marked[ONLY_RANKS])}"
        )
    if SOME_SEEDS in marked:
        which = ", ".join(
            f"{label(entry)} ({entry.seeds_at_chance()} of {len(entry.finished)})" for entry in marked[SOME_SEEDS]
        )
        every = f"{marked[SOME_SEEDS][0].group.repeats}s"
        lines.append(f"{SOME_SEEDS} some {every} not learned, their accuracy is within chance: {which}")
    if OFF_THRESHOLD in marked:
        lines.append(
            f"{OFF_THRESHOLD} the threshold at 0 is off: more is right at the one with the best accuracy on validation"
            f"; accuracy_tuned: {_tuned(marked[OFF_THRESHOLD])}"
        )
    return lines


def _tuned(entries: Sequence[Entry]) -> str:
    """Each entry with its accuracy at the threshold with the best accuracy on validation, where records hold it."""
    values = ((label(entry), entry.mean(entry.group.domain, "accuracy_tuned")) for entry in entries)
    return ", ".join(f"{name} ({MISSING if math.isnan(value) else f'{value:.3f}'})" for name, value in values)


def failures(section: Section) -> list[str]:
    """One line per entry, status and message of failed cells, with their seeds."""
    found: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for entry in _by_name(section):
        for cell in entry.failed:
            status = f"{cell.status} as it states" if cell.fails_as_stated else cell.status
            found[label(entry), status, cell.message].append(cell.seed)
    return [
        f"{name}, {_repeats(section, seeds)}: {status}{f', {code(message)}' if message else ''}"
        for (name, status, message), seeds in found.items()
    ]


def unexpected(section: Section) -> list[str]:
    """One line per fusion that is kept to show a failure and has learned, with the failure that it states."""
    lines = []
    for entry in _by_name(section):
        cells = [cell for cell in entry.finished if cell.succeeds_unexpectedly]
        if cells:
            seeds = [cell.seed for cell in cells]
            lines.append(f"{label(entry)}, {_repeats(section, seeds)}: {code(cells[0].known_failure)}")
    return lines


def not_learned(section: Section) -> list[str]:
    """One line per fusion at chance, with what the diagnosis of its first such seed says about the cause."""
    lines = []
    for entry in _by_name(section):
        noted = [cell for cell in entry.finished if cell.message]
        if entry.role == "fusion" and noted:
            seeds = [cell.seed for cell in noted]
            first = f" ({section.repeats} {seeds[0]})" if len(seeds) > 1 else ""
            lines.append(f"{label(entry)}, {_repeats(section, seeds)}: {code(noted[0].message)}{first}")
    return lines


def overfitted(section: Section) -> list[str]:
    """One line per entry that got worse on validation pairs while it learned its training pairs, with the seeds that
    were watched and did, and from where on."""
    lines = []
    for entry in _by_name(section):
        found = {
            cell.seed: cell.diagnostics["overfits_from"]
            for cell in entry.finished
            if "overfits_from" in cell.diagnostics
        }
        if found:
            pairs = sorted(set(found.values()))
            span = f"{pairs[0]:,}" if len(pairs) == 1 else f"{pairs[0]:,} to {pairs[-1]:,}"
            lines.append(f"{label(entry)}, {_repeats(section, list(found))}: overfits from {span} training pairs seen")
    return lines


def not_applicable(section: Section) -> list[str]:
    """One line per combination that does not apply, with the reason."""
    return [f"{label(entry)}: {entry.reason}" for entry in _by_name(section) if entry.reason]


def unmatched(section: Section) -> list[str]:
    """One line per fusion whose parameters could not be matched to those of the others, with the reason."""
    lines = {}
    for entry in _by_name(section):
        for cell in entry.cells:
            if cell.matching and cell.matching["problem"]:
                lines[label(entry)] = f"{cell.matching['parameters']:,} parameters, {cell.matching['problem']}"
    return [f"{name}: {problem}" for name, problem in lines.items()]


def uncounted(section: Section) -> list[str]:
    """One line per set of operators that the MACs leave out, with the entries that use them."""
    users: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for entry in _by_name(section):
        if entry.uncounted:
            users[entry.uncounted].append(label(entry))
    return [f"{', '.join(map(code, names))}: {', '.join(labels)}" for names, labels in users.items()]


def label(entry: Entry) -> str:
    """Fusion and backbone of an entry."""
    return f"{entry.group.fusion} × {entry.group.backbone}"


def _by_name(section: Section) -> list[Entry]:
    return sorted(section.entries, key=lambda entry: (entry.group.backbone, entry.group.fusion))


def _repeats(section: Section, seeds: list[int]) -> str:
    return f"{section.repeats}{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"
