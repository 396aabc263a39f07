"""All that was tried on a subject, and what follows from it in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.debug.course import Course
from bench.debug.trials import Trial

# Every cosine above it: the vectors compared lie within 45 degrees of each other.
CONE = 0.7
BLIND, LEARNED = 0.75, 0.9
# Of the norms of the gradients of two layers.
STARVED = 1e-4
# Within a factor of a tenth and ten, a rate is a matter of taste.
CLOSE = 10.5


@dataclass(frozen=True)
class Findings:
    """What was tried: one training, pairs by heart, one label, scales of the loss and learning rates.

    Attributes:
        lr: rate of the recipe.
        known_failure: what the fusion says of itself, where it is kept to show a mistake.
    """

    course: Course
    by_heart: Sequence[Trial]
    one_label: Sequence[Trial]
    scales: Sequence[Trial]
    rates: Sequence[Trial]
    lr: float
    known_failure: str = ""

    def problems(self) -> list[str]:
        """What is wrong, the most telling first; a sentence each."""
        return [
            *_outcome(self.course),
            *_cone(self.course),
            *_by_heart(self),
            *_one_label(self),
            *_gradients(self.course),
        ]

    def remarks(self) -> list[str]:
        """What else was seen."""
        return [*_overfitting(self.course), *_scale(self.scales), *_rates(self)]


def _outcome(course: Course) -> Iterator[str]:
    """How the training ended."""
    if course.diverged:
        yield f"training diverged: {course.diverged}"
    elif course.collapse:
        yield f"after {course.history.examples:,} pairs it is broken: {course.collapse}"
    elif course.after and "note" in course.after.measures:
        yield f"after {course.history.examples:,} pairs it has not learned: {course.after.measures['note']}"


def _cone(course: Course) -> Iterator[str]:
    """Whether the vectors that are compared point all one way, before or after training."""
    for when, look in (("before training", course.before), ("after it", course.after)):
        if look is None or look.measures.get("cosine_low", -1.0) < CONE:
            continue
        found = look.measures
        cause = "they share a large common offset"
        if found["compared_lowest"] >= 0:
            ends = ", ".join(f"{kind} ({name})" for name, kind in course.squashing.items())
            cause = f"none of their entries is negative{f'; there is {ends}' if ends else ''}"
        yield (
            f"{when} the vectors that it compares lie within a cone: every cosine is between "
            f"{found['cosine_low']:.3f} and {found['cosine_high']:.3f}, because {cause}"
        )


def _by_heart(found: Findings) -> Iterator[str]:
    for trial in found.by_heart:
        if trial.accuracy < 1:
            how = trial.diverged or (
                f"training accuracy {trial.accuracy:.2f}, loss {trial.loss:.3g}, "
                f"scores {trial.low:.3g} to {trial.high:.3g}"
            )
            yield f"it cannot learn {trial.name} by heart ({how}): no amount of data can help before this works"
            return
    for trial in found.by_heart:
        if trial.right < BLIND:
            yield (
                f"{trial.name} learned by heart is wrong again in evaluation mode ({trial.right:.0%} right): BatchNorm "
                "statistics or dropout differ there"
            )
            return


def _one_label(found: Findings) -> Iterator[str]:
    for trial, wanted in zip(found.one_label, ("negative", "positive"), strict=True):
        if trial.accuracy < LEARNED:
            yield (
                f"trained on {trial.name} its scores do not become {wanted} ({trial.low:.3g} to {trial.high:.3g}): it "
                "cannot give that answer; return a raw logit, and give a similarity a learned scale and bias"
            )


def _gradients(course: Course) -> Iterator[str]:
    """Layers that no gradient reaches, or next to none."""
    if not course.history.checks:
        return
    norms = course.history.checks[0].gradients
    largest = max(norms.values(), default=0.0)
    starved = [f"{layer} ({norm:.2g})" for layer, norm in norms.items() if norm <= STARVED * largest]
    if starved:
        yield f"next to no gradient reaches {', '.join(starved)}; the largest norm of a layer is {largest:.2g}"


def _overfitting(course: Course) -> Iterator[str]:
    if course.overfits_from is not None:
        yield f"it overfits from {course.overfits_from:,} pairs: show it more of them, or --recipe patience=5"


def _scale(scales: Sequence[Trial]) -> Iterator[str]:
    """Whether the scale of the loss matters."""
    if any(trial.diverged for trial in scales):
        yield f"{next(trial.name for trial in scales if trial.diverged)} diverges"
        return
    spread = max(trial.accuracy for trial in scales) - min(trial.accuracy for trial in scales)
    if spread < 0.1:
        yield "a loss that is 10, 100 or 1,000 times as large ends alike: a step of the optimiser does not grow with it"
    else:
        best = max(scales, key=lambda trial: trial.accuracy)
        yield f"the scale of the loss matters: {best.name} ends at training accuracy {best.accuracy:.2f}"


def _rates(found: Findings) -> Iterator[str]:
    """Which rate learned most in the same steps."""
    best = min(found.rates, key=lambda trial: trial.loss)
    if not math.isfinite(best.loss):
        yield "every learning rate diverges"
        return
    rate = float(best.name)
    place = "which is about that of the recipe" if 1 / CLOSE < rate / found.lr < CLOSE else f"not {found.lr:g}"
    yield f"of the rates tried {best.name} ends lowest (loss {best.loss:.3g}, accuracy {best.accuracy:.2f}), {place}"
    if diverged := [trial.name for trial in found.rates if trial.diverged]:
        yield f"it diverges at a rate of {', '.join(diverged)}"


def verdict(found: Findings) -> list[str]:
    """The sentences that a reader needs, problems first."""
    problems = found.problems()
    course = found.course
    sure = "nothing that was tried stands in its way"
    if not problems and course.after is not None:
        accuracy = course.history.curve[-1][2]
        problems = [f"{sure}: after {course.history.examples:,} pairs its training accuracy is {accuracy:.2f}"]
    known = [f"the fusion says of itself: {found.known_failure}"] if found.known_failure else []
    return [*problems, *known, *found.remarks()]
