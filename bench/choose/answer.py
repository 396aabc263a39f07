"""The answer of a race: what to use, what ties with it and what it costs, how sure that is; and the table behind it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.choose.costs import Costs, costs_of
from bench.choose.course import WORSE, Course
from bench.choose.field import domain_of
from bench.choose.kept_model import sentence_on_model, way_to_a_test
from bench.choose.look import told_pairs
from bench.choose.question import TEST, Question
from bench.choose.race import ALPHA, Array
from bench.choose.stages import State
from bench.markup import align, markdown_line
from bench.metrics import METRICS
from bench.records.blocks import scores as scores_of
from bench.records.entries import Entry, entries_of
from bench.records.load import load_runs, pool
from bench.records.ties import tie_groups
from bench.stats.intervals import FEWEST_SEEDS, estimate
from bench.stats.paired import paired
from bench.sweep.replicates import shared
from bench.text import MISSING, count_of, human, some
from bench.verdicts.verdicts import Verdict, compare_to_baseline

NAMED = 6
# Margins above chance, from where a score that too few replicates stand behind is taken as one.
CLEAR = 5
HEADER = ("fusion", "validation", "n", "out after", "test", "minus chosen", "verdict", "ms/pair", "params")


@dataclass(frozen=True)
class Answer:
    """What a race says.

    Attributes:
        chosen: the fusion to use. ties: those that tie with it, best on validation pairs first. unfinished: those that
            would, and failed in the test where others did not.
        is_chance: whether even the chosen one is not told from an answer that ignores the images.
        tested: entries of the test by fusion, and verdicts on the others against the chosen one; empty before it.
        kept: a sentence on its trained model; empty where none was kept.
    """

    state: State
    course: Course
    chosen: str
    ties: tuple[str, ...]
    costs: dict[str, Costs]
    is_chance: bool
    tested: dict[str, Entry] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    kept: str = ""
    unfinished: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [markdown_line(one) for one in filter(None, (_use(self), _cost(self), _sure(self), self.kept))]
        reasons: dict[str, list[str]] = {}
        for fusion, reason in self.state.field.not_tried.items():
            reasons.setdefault(reason, []).append(fusion)
        notes = [markdown_line(f"Not tried: {_some(names)}: {reason}.") for reason, names in reasons.items()]
        way = [] if self.is_final else list(filter(None, [way_to_a_test(self.state)]))
        return "\n\n".join([" ".join(lines), _table(self), *notes, *way]) + "\n"

    @property
    def is_final(self) -> bool:
        """Whether the test set was looked at."""
        return bool(self.tested)

    @property
    def config(self) -> str:
        """The YAML that ``bench run --config`` trains the chosen fusion by."""
        sweep = self.state.question.sweep
        kept = ("backbone", "domain", "warmup", "warmup_seed", "test_pairs", "recipe", "warmup_recipe",
                "domain_params", "include")  # fmt: skip
        settings = {"fusion": [self.chosen], "protocol": self.state.protocol, "seed": [0]}
        settings |= {name: value for name in kept if (value := getattr(sweep, name)) or value == 0}
        # JSON in a line is YAML, too.
        return "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items())


def answer_of(state: State) -> Answer | None:
    """The answer so far; None before a replicate is finished by a fusion that is still in the race."""
    course = state.course
    if course is None or not course.staying:
        return None
    question = state.question
    costs = costs_of(question)
    tested = _tested(question) if state.look else {}
    tied = _tied(question, course, tested)
    # Who fails where others do not is no choice.
    most = max((len(tested[one].finished) for one in tied if one in tested), default=0)
    group = [one for one in tied if one in tested and len(tested[one].finished) == most] or tied
    unfinished = tuple(one for one in tied if one not in group)
    chosen = group[0] if question.cost == "none" else min(group, key=lambda one: costs[one].of(question.cost))
    verdicts: dict[str, Verdict] = {}
    if chosen in tested:
        domain = tested[chosen].group.domain
        compared = compare_to_baseline(tested.values(), chosen, question.select, domain, question.margin)
        verdicts = {one.fusion: one for one in compared}
    ties = tuple(one for one in group if one != chosen)
    scores = course.scores(chosen)
    if chosen in tested and len(tested[chosen].finished) >= FEWEST_SEEDS:
        scores = np.array(list(scores_of(tested[chosen], domain, question.select).values()))
    is_chance = _is_chance(question, scores, len(course.entered))
    kept = sentence_on_model(question, chosen) if tested else ""
    return Answer(state, course, chosen, ties, costs, is_chance, tested, verdicts, kept, unfinished)


def _tied(question: Question, course: Course, tested: Mapping[str, Entry]) -> list[str]:
    """Who may be the best, best on validation pairs first; the test has the last word where it beats all who stayed."""
    if not tested:
        return list(course.staying)
    known = list(tested.values())
    marks = tie_groups(known, known[0].group.domain, [question.select])[:, 0]
    best = [one.group.fusion for one, belongs in zip(known, marks, strict=True) if belongs]
    stayed = [one for one in course.staying if one in best]
    means = {one: question.direction * course.mean(one) for one in best}
    beyond = sorted(best, key=lambda one: -means[one] if math.isfinite(means[one]) else math.inf)
    return stayed or beyond or list(course.staying)


def _is_chance(question: Question, scores: Array, candidates: int) -> bool:
    """Whether the best of so many is not surely better than an answer that ignores the images: a t interval over
    replicates, at 5 % over all of them; with too few for one, where any score is near it."""
    chance = METRICS.get(question.select).chance
    if chance is None:
        return False
    if len(scores) < FEWEST_SEEDS:
        return bool(((scores - chance) * question.direction <= CLEAR * question.margin).any())
    return paired((scores - chance) * question.direction, 1 - ALPHA / candidates).low <= 0


def _tested(question: Question) -> dict[str, Entry]:
    entries = entries_of(pool(load_runs([question.out / TEST])).cells)
    return {entry.group.fusion: entry for entry in entries if entry.finished}


def _points(question: Question, value: float, digits: int = 1) -> str:
    return f"{value * question.scale:+.{digits}f}" if question.scale == 100 else f"{value:+.3f}"


def _mean(scores: Array) -> str:
    """``0.913 ± 0.010``, with the half width of the t interval where there is one."""
    found = estimate(scores[:, None])
    return _interval(found.mean.item(), found.half_width.item())


def _interval(mean: float, half: float) -> str:
    return MISSING if math.isnan(mean) else f"{mean:.3f}" + ("" if math.isnan(half) else f" ± {half:.3f}")


def _tested_mean(answer: Answer, fusion: str) -> str:
    entry = answer.tested.get(fusion)
    if entry is None:
        return MISSING
    domain, metric = entry.group.domain, answer.state.question.select
    return _interval(entry.mean(domain, metric), entry.half_width(domain, metric))


def _some(names: Sequence[str]) -> str:
    return some((f"`{one}`" for one in names), NAMED)


def _use(answer: Answer) -> str:
    """What to use, and how good it was where."""
    state, question = answer.state, answer.state.question
    sweep = question.sweep
    how = f"{state.protocol} on {sweep.backbone[0]} for {sweep.domain[0]}"
    advice = f"Use `{answer.chosen}`"
    if answer.is_chance:
        advice = f"None can be recommended: even `{answer.chosen}` is not told from chance"
    start = f"{advice}{'' if answer.is_final else ' so far'} ({how}): {question.select} "
    look = state.look
    if answer.is_final and look is not None:
        which = "new to the race" if look.is_fresh else "those of the race again, as there was no time for new ones"
        pairs, common = told_pairs(sweep, look)
        tested = f"{_tested_mean(answer, answer.chosen)} on {pairs} in each of "
        count = len(answer.tested[answer.chosen].finished) if answer.chosen in answer.tested else 0
        return start + tested + f"{count_of(count, 'replicate')}, {which}.{common and ' ' + common}"
    where = f"{_mean(answer.course.scores(answer.chosen))} on validation pairs"
    return (
        start + where + f" of {count_of(len(answer.course.numbers), 'replicate')}, by which it was chosen, so that it "
        "reads too well; the test set was not looked at yet."
    )


def _cost(answer: Answer) -> str:
    """What ties with it, and what it costs."""
    question = answer.state.question
    costs = f"it costs {answer.costs[answer.chosen]}, measured while other cells ran"
    if answer.ties:
        why = {
            "none": "it has the best validation score among them",
            "infer_ms": "it is the fastest of them",
            "params": "it has the fewest parameters of them",
        }[question.cost]
        tied = f"Not told to be worse than the best: {some((_tie(answer, one) for one in answer.ties), NAMED)}"
        return f"{tied}; {why}, and {costs}."
    failed = [one for one, gone in answer.course.left.items() if gone.reason != WORSE]
    told = f"Nothing{' that finished' if failed or answer.unfinished else ''} ties with it"
    if answer.unfinished:
        told += f"; {_some(answer.unfinished)}, not told to be worse, failed in the test"
    nearest = answer.course.runner_up
    # Where the test found it the best, it was chosen; where the test is in doubt, so is the race.
    verdict = answer.verdicts.get(nearest) if nearest else None
    if nearest and nearest != answer.chosen and (verdict is None or verdict.word == "worse"):
        told += f": the nearest, `{nearest}`, is surely worse"
    return f"{told}; {costs}."


def _tie(answer: Answer, fusion: str) -> str:
    verdict = answer.verdicts.get(fusion)
    question = answer.state.question
    if verdict is None or math.isnan(verdict.paired.low):
        gap = answer.course.mean(fusion) - answer.course.mean(answer.chosen)
        return f"`{fusion}` ({_points(question, gap)})" if math.isfinite(gap) else f"`{fusion}`"
    ends = " to ".join(_points(question, end) for end in (verdict.paired.low, verdict.paired.high))
    return f"`{fusion}` ({_points(question, verdict.paired.mean)}, {ends}: {verdict.told('replicate')})"


def _sure(answer: Answer) -> str:
    """How sure it is, and what was not tried."""
    state, question = answer.state, answer.state.question
    left = {one: gone for course in (state.screening, state.final) if course for one, gone in course.left.items()}
    failed = {one: gone.reason.split(":")[0] for one, gone in left.items() if gone.reason != WORSE}
    failed |= {one: f"{entry.failed[0].status} in the test" for one, entry in answer.tested.items() if entry.failed}
    percent = f"{100 * ALPHA:.0f} %"
    parts = []
    if answer.is_final:
        parts.append(f"the best of the {len(answer.tested)} tested is missed by this test in at most {percent}")
    if any(gone.reason == WORSE for gone in left.values()):
        parts.append(f"a stage of the race loses its best in at most {percent}, as it drops only what is surely worse")
    else:
        parts.append("the race dropped nothing as surely worse")
    if state.set_aside:
        parts.append(f"not worse in screening, but not among the finalists: {_some(state.set_aside)}")
    void = sum(len(course.void) for course in {id(one): one for one in (state.screening, state.final) if one}.values())
    if void:
        parts.append(f"{count_of(void, 'replicate')} gave nobody a score and did not count")
    if failed:
        parts.append("failed: " + ", ".join(f"`{one}` ({why})" for one, why in list(failed.items())[:NAMED]))
    if shared(domain_of(question.sweep)):
        parts.append("this is said of these images dealt anew, not of others")
    others = f"backbones, warm-ups and recipes other than {question.sweep.backbone[0]}'s"
    own = [count_of(len(state.field.not_tried), "fusion that does not apply", "fusions that do not apply")]
    parts.append(f"not tried: {' and '.join([*own * bool(state.field.not_tried), others])}")
    text, used = "; ".join(parts), question.minutes(state.seconds)
    return f"{text[0].upper()}{text[1:]}; {used} of {question.minutes(question.budget)} minutes were used."


def _table(answer: Answer) -> str:
    state = answer.state
    order = [*(state.final.ranked if state.final else ()), *(state.screening.ranked if state.screening else ())]
    order = [answer.chosen, *order, *answer.tested]
    return align(HEADER, [_row(answer, one) for one in dict.fromkeys(order)], left=1)


def _row(answer: Answer, fusion: str) -> list[str]:
    state, question = answer.state, answer.state.question
    courses = [one for one in (state.final, state.screening) if one is not None and fusion in one.entered]
    course = next((one for one in courses if len(one.scores(fusion))), None)
    left = next((one.left[fusion] for one in courses if fusion in one.left), None)
    out = (
        MISSING
        if left is None
        else f"{left.after}" + ("" if left.reason == WORSE else f" ({left.reason.split(':')[0]})")
    )
    verdict = answer.verdicts.get(fusion)
    costs = answer.costs.get(fusion, Costs())
    name = f"**{fusion}**" if fusion == answer.chosen or fusion in answer.ties else fusion
    return [
        name,
        _mean(course.scores(fusion)) if course else MISSING,
        str(len(course.scores(fusion))) if course else MISSING,
        f"{out}, screening" if left and course is state.screening and state.final is not course else out,
        _tested_mean(answer, fusion),
        _points(question, verdict.paired.mean, 2) if verdict and not math.isnan(verdict.paired.mean) else MISSING,
        verdict.told("replicate") if verdict else MISSING,
        MISSING if costs.infer_ms is None else f"{costs.infer_ms:.2f}",
        MISSING if costs.params is None else human(costs.params),
    ]
