"""Which cells both sides have, and what is missing, failed or without a number: each is named."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from bench.errors import UsageError
from bench.gate.finding import Finding, Word
from bench.gate.side import Place, Side, describe
from bench.metrics import metric_position
from bench.records.record import NO_SEED, Group, Record
from bench.text import either

Pair = tuple[Record, Record]


@dataclass(frozen=True)
class Shared:
    """What can be compared.

    Attributes:
        finished: cells that finished on both sides, base first, by group and sorted by repetition.
        scored: those of them with a number on both sides.
        findings: what is missing, failed, without a number, new, or fixed.
    """

    finished: Mapping[Group, tuple[Pair, ...]]
    scored: Mapping[Group, tuple[Pair, ...]]
    findings: tuple[Finding, ...]


def aligned(base: Side, new: Side) -> tuple[Side, Side]:
    """Both sides with the same names for the same cells.

    A cell that never used its warm-up does not name the warm-up's seed: it stands where the other side's cell stands.
    """
    return _settled(base, new), _settled(new, base)


def shared(base: Side, new: Side, metric: str, allow_missing: bool) -> Shared:
    """Pair the cells of two :func:`aligned` sides by their names, conditions and repetitions.

    Raises:
        UsageError: no cell is on both sides, or those that are make no sense on either.
    """
    places = sorted(base.cells.keys() & new.cells.keys())
    if not places:
        raise UsageError(f"nothing to compare: no cell is in both {base.source} and {new.source}; {_why(base, new)}")
    finished: dict[Group, list[Pair]] = {}
    scored: dict[Group, list[Pair]] = {}
    findings: list[Finding] = []
    for group, seed in places:
        pair = base.cells[group, seed], new.cells[group, seed]
        if all(cell.status == "ok" for cell in pair):
            finished.setdefault(group, []).append(pair)
            unscored = list(_unscored(pair, metric))
            findings += unscored
            if not unscored:
                scored.setdefault(group, []).append(pair)
        else:
            findings += _unfinished(*pair)
    if not finished and not findings:
        raise UsageError(f"nothing to compare: no cell that {base.source} and {new.source} share is applicable")
    # What the new run lost it also lacks; what the baseline lost nobody else would miss.
    findings += [Finding("coverage", "incomparable", new.source, sentence) for sentence in new.lost]
    lacking: Word = "incomparable" if allow_missing else "missing"
    findings += [Finding("coverage", lacking, base.source, sentence) for sentence in base.lost]
    if not allow_missing:
        findings += [_missing(*place) for place in _only(base, new)]
    findings += [_added(new.cells[place]) for place in _only(new, base)]
    return Shared(_frozen(finished), _frozen(scored), tuple(findings))


def _only(side: Side, other: Side) -> list[Place]:
    """Places of cells that the other side lacks; one that is to have no result stands in no leaderboard."""
    places = sorted(side.cells.keys() - other.cells.keys())
    if not other.has_means_only:
        return places
    return [place for place in places if not _has_none(side.cells[place])]


def _has_none(cell: Record) -> bool:
    return cell.status == "not_applicable" or cell.fails_as_stated


def value(cell: Record, metric: str) -> float:
    """The metric on the domain trained on; nan where there is none."""
    found = cell.eval.get(cell.domain)
    number = found.values[metric_position(metric)] if found else None
    return math.nan if number is None else number


def _unfinished(base: Record, new: Record) -> Iterator[Finding]:
    name = describe(new.group, new.seed)
    if base.status == new.status == "not_applicable":
        return
    if new.status == "ok":
        word: Word = "fixed" if base.status != "not_applicable" else "added"
        yield Finding("coverage", word, name, f"{base.status} in the baseline, ok now")
    elif new.fails_as_stated:
        text = f"{_failure(new)} (which the fusion is kept to show; {base.status} in the baseline)"
        yield Finding("coverage", "same" if base.status == new.status else "added", name, text)
    else:
        was = "as in the baseline" if base.status == new.status else f"{base.status} in the baseline"
        yield Finding("coverage", "failed", name, f"{_failure(new)} ({was})")


def _unscored(pair: Pair, metric: str) -> Iterator[Finding]:
    """A finding for each side whose number is missing or not finite."""
    for label, cell in zip(("in the baseline", "now"), pair, strict=True):
        number = value(cell, metric)
        if not math.isfinite(number):
            text = f"no finite {metric} on {cell.group.domain} {label} ({number})"
            yield Finding("coverage", "failed", describe(cell.group, cell.seed), text)


def _missing(group: Group, seed: int) -> Finding:
    return Finding("coverage", "missing", describe(group, seed), "in the baseline, not in the new run")


def _added(cell: Record) -> Finding:
    """A cell that only the new run has: a failed one is as red as any other."""
    name = describe(cell.group, cell.seed)
    if cell.status in ("ok", "not_applicable"):
        return Finding("coverage", "added", name, f"{cell.status}, not in the baseline")
    word: Word = "added" if cell.fails_as_stated else "failed"
    return Finding("coverage", word, name, f"{_failure(cell)} (not in the baseline)")


def _failure(cell: Record) -> str:
    """How a cell without a result ended, and why."""
    return f"{cell.status}: {cell.message}" if cell.message else cell.status


def _settled(side: Side, other: Side) -> Side:
    """``side`` with the warm-up seeds of ``other`` where it has none."""
    if all(group.warmup_seed != NO_SEED for group, _ in side.cells):
        return side
    known = {
        group._replace(warmup_seed=NO_SEED): group.warmup_seed
        for group, _ in other.cells
        if group.warmup_seed != NO_SEED
    }

    cells = [
        cell.joining(known.get(group, NO_SEED)) if group.warmup_seed == NO_SEED else cell
        for (group, _), cell in side.cells.items()
    ]
    return replace(side, cells={(cell.group, cell.seed): cell for cell in cells})


def _why(base: Side, new: Side) -> str:
    """What the two sides do not have in common."""

    repeats = either(group.repeats for side in (base, new) for group, _ in side.cells)

    def facts(side: Side) -> dict[str, set[str]]:
        groups = [group for group, _ in side.cells]
        named = {name: {str(getattr(group, name)) for group in groups} for name in Group._fields}
        return {**named, repeats: {str(number) for _, number in side.cells}}

    theirs, ours = facts(base), facts(new)
    apart = [
        f"{name} {_some(theirs[name])} against {_some(ours[name])}" for name in ours if not theirs[name] & ours[name]
    ]
    return "; ".join(apart) or "the same names, but in other combinations"


def _some(names: Collection[str]) -> str:
    first = sorted(names)[:3]
    return "/".join(first) + ("/..." if len(names) > len(first) else "")


def _frozen(pairs: Mapping[Group, list[Pair]]) -> dict[Group, tuple[Pair, ...]]:
    return {group: tuple(found) for group, found in pairs.items()}
