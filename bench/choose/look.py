"""The one look at the test set: who is in it, what it costs, and whether a budget has room for it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.choose.course import Course
from bench.choose.field import baseline_of, domain_of
from bench.choose.question import Question
from bench.domain import build_domain
from bench.records.folder import RunFolder
from bench.records.record import DetailedRecord
from bench.stats.intervals import FEWEST_SEEDS
from bench.sweep.config import SweepConfig
from bench.sweep.replicates import SAME_PARTS, redealt, shared

# The share of the budget by whose end the race is over; the rest is for the test.
RACED_BY = 0.75
MOST_TESTED = 10
FEWEST_AGAIN = 2


@dataclass(frozen=True)
class Look:
    """The one look at the test set: who was in it, on which replicates, and whether these are new to the race."""

    fusions: tuple[str, ...]
    first: int
    replicates: int
    is_fresh: bool

    @property
    def numbers(self) -> range:
        """Of the replicates."""
        return range(self.first, self.first + self.replicates)


@dataclass(frozen=True)
class Price:
    """What a look would cost.

    Attributes:
        fusions: who would be in it. raced: numbers of the replicates of the race. next: the first new one.
        longest: seconds that a replicate of the race has taken at most.
        each: seconds of a new replicate. again: of one of the race, whose warm-up is there.
        is_decided: whether no further replicate would be raced.
    """

    fusions: tuple[str, ...]
    raced: tuple[int, ...]
    next: int
    longest: float
    each: float
    again: float
    is_decided: bool = False

    def affordable(self, rest: float) -> Look | None:
        """The look that the rest of the budget has room for: on new replicates, or else again on those of the race;
        None where there is no room for either."""
        fresh = min(MOST_TESTED, int(rest / self.each)) if self.each else 0
        if fresh >= FEWEST_SEEDS:
            return Look(self.fusions, self.next, fresh, is_fresh=True)
        same = min(len(self.raced), int(rest / self.again)) if self.again > 0 else 0
        return Look(self.fusions, self.raced[0], same, is_fresh=False) if same >= FEWEST_AGAIN else None

    def enough(self, spent: float) -> float:
        """A budget in seconds that has room for a look, if replicates take as long as before.

        A race that goes on leaves at least the share of the budget that is kept for the test.
        """
        kept = 0.0 if self.is_decided else 1 / (1 - RACED_BY)
        fresh = max(spent + FEWEST_SEEDS * self.each, kept * FEWEST_SEEDS * self.each)
        missing = max(0, FEWEST_AGAIN - len(self.raced))
        if missing and self.is_decided:
            return fresh
        raced = spent + missing * self.longest
        again = FEWEST_AGAIN * self.again
        return min(fresh, max(raced + again, kept * again, raced / RACED_BY if missing else 0.0))


def price_of(question: Question, longest: Mapping[str, float], stage: str, final: Course) -> Price:
    """The price of a look at those who stayed, the runner-up and the baseline.

    Args:
        longest: seconds of a replicate by stage. stage: the last one before the test, whose course is ``final``.
    """
    asked = [*final.staying]
    if final.runner_up:
        asked.append(final.runner_up)
    baseline = baseline_of(question)
    if baseline and baseline not in asked:
        asked.append(baseline)
    one = longest.get(stage, 0.0)
    each = one * max(1.0, len(asked) / len(final.entered))
    again = _without_warmup(RunFolder(question.out / stage), asked, each)
    return Price(tuple(asked), tuple(final.numbers), final.next, one, each, again, final.stands(question.margin))


def told_pairs(sweep: SweepConfig, look: Look) -> tuple[str, str]:
    """``4,000 test pairs``, or how many of them are distinct where a list has fewer; and the sentence, which may be
    empty, on what the replicates share."""
    domain, asked = domain_of(sweep), sweep.test_pairs
    same_parts = shared(domain) == "parts"
    own = {build_domain(redealt(domain, number)).test_pairs or asked for number in look.numbers}
    least, most = min(own), min(max(own), asked)
    told = f"{asked:,} test pairs"
    if least < asked:
        count = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        told = f"{'the same ' if same_parts else ''}{count} distinct test pairs ({asked:,} were drawn)"
    return told, SAME_PARTS if same_parts else ""


def begun(folder: RunFolder, final: Course) -> Look | None:
    """The look that an earlier session began."""
    config = folder.header().get("config", {})
    if not config:
        return None
    first = config["first_replicate"]
    return Look(tuple(config["fusion"]), first, config["replicates"], first not in final.numbers)


def _without_warmup(folder: RunFolder, fusions: Sequence[str], each: float) -> float:
    """Seconds of a replicate whose warm-up is there: of its cells one after the other."""
    found: dict[str, list[float]] = {}
    for record in folder.records(DetailedRecord):
        if "total" in record.times:
            found.setdefault(record.fusion, []).append(record.times["total"])
    known = {fusion: statistics.median(seconds) for fusion, seconds in found.items()}
    longest = max(known.values(), default=each)
    return min(each, sum(known.get(one, longest) for one in fusions))
