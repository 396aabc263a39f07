"""Who takes part in a race, and who does not, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.choose.question import Question
from bench.domain import Domain, build_domain
from bench.errors import UsageError
from bench.fusion import FUSIONS
from bench.registry import Choice
from bench.sweep.config import FEWEST_TEST_PAIRS, SweepConfig
from bench.sweep.plan import make_plan
from bench.text import count_of
from bench.training.recipe import Protocol

# Half of them same. Of fewer, one pair is more than five points.
LEAST_TEST_PAIRS = 20


@dataclass(frozen=True)
class Field:
    """The fusions of a race.

    Attributes:
        screened: by frozen cells; empty where all who could win are finalists at once.
        finalists: where nobody is screened.
        not_tried: those that do not apply, with the reason. kept_out: those that are not asked to win.
    """

    screened: tuple[str, ...]
    finalists: tuple[str, ...]
    not_tried: dict[str, str]
    kept_out: dict[str, str]


def field_of(question: Question) -> Field:
    """Who can win: fusions that apply and are not kept to show a mistake. Those that join the images before they are
    encoded cannot be screened, and run only where nobody has to be.

    Raises:
        UsageError: an unknown name, fewer than two who could win, or next to no test pairs.
    """
    baseline_of(question)
    _check_pairs(question.sweep)
    choices = FUSIONS.resolve(question.sweep.fusion)
    kept_out = {str(one): f"a {one.cls.role}, no fusion" for one in choices if one.cls.role != "fusion"}
    kept_out |= {str(one): f"known to fail: {one.cls.known_failure}" for one in choices if one.cls.known_failure}
    able = tuple(str(one) for one in choices if str(one) not in kept_out)
    last, not_tried = question.sweep.protocol, dict[str, str]()
    if last != "frozen":
        able, not_tried = _applying(question.sweep, able, last)
        if len(able) <= question.finalists:
            return _checked(Field((), able, not_tried, kept_out))
    screened, reasons = _applying(question.sweep, able, "frozen")
    if last != "frozen":
        # They apply where the race ends: it is screening that has no place for them.
        way = f"naming at most {count_of(question.finalists, 'fusion')}, or --finalists {len(able)}, fine-tunes all"
        reasons = {one: f"{reason}; screening is frozen, and {way} without it" for one, reason in reasons.items()}
    return _checked(Field(screened, (), not_tried | reasons, kept_out))


def domain_of(sweep: SweepConfig) -> Choice[Domain]:
    """The domain of a race as it is given, before any replicate deals it anew."""
    return make_plan(sweep.model_copy(update={"replicates": 1, "first_replicate": 0}), {}).cells[0].cell.domain


def baseline_of(question: Question) -> str | None:
    """The baseline as records name it, where one is asked for and applies where the race ends.

    Raises:
        UsageError: there is no such fusion.
    """
    if not question.baseline:
        return None
    try:
        named = str(FUSIONS.settle(question.baseline))
    except UsageError as error:
        raise UsageError(f"--baseline: {error}") from None
    return named if _applying(question.sweep, [named], question.sweep.protocol)[0] else None


def _applying(sweep: SweepConfig, fusions: Sequence[str], protocol: Protocol) -> tuple[tuple[str, ...], dict[str, str]]:
    """Those of ``fusions`` that apply under a protocol, and why the others do not."""
    if not fusions:
        return (), {}
    config = sweep.model_copy(
        update={
            "fusion": tuple(fusions),
            "protocol": protocol,
            "replicates": 1,
            "test_pairs": FEWEST_TEST_PAIRS,
            "eval": (),
        }
    )
    plan = make_plan(config, {})
    reasons = {str(one.cell.fusion): one.reason for one in plan.having("not applicable")}
    return tuple(one for one in fusions if one not in reasons), reasons


def _check_pairs(sweep: SweepConfig) -> None:
    domain = build_domain(domain_of(sweep))
    own = domain.test_pairs
    if own is None or own >= LEAST_TEST_PAIRS:
        return
    each, few = LEAST_TEST_PAIRS // 2, f"{own}"
    # Half of the pairs drawn are same, and each half comes once before any of it comes again.
    drawn = domain.draw("test", 0, LEAST_TEST_PAIRS)
    if "pair" in drawn.a.latents:
        rows = set(zip(drawn.label.tolist(), drawn.a.latents["pair"].tolist(), strict=True))
        counts = Counter(label for label, _ in rows)
        names = ((1, "same"), (0, "different"))
        few = " and ".join(f"{counts[label]} {name}" for label, name in names if counts[label] < each)
    raise UsageError(
        f"--domain {sweep.domain[0]}: only {few} pairs fall to testing, and a race needs {each} same and {each} "
        "different ones: more of these, or a column split"
    )


def _checked(field: Field) -> Field:
    able = field.screened or field.finalists
    if len(able) < 2:
        why = "; ".join(f"{name}: {reason}" for name, reason in list((field.not_tried | field.kept_out).items())[:3])
        raise UsageError(f"--fusion: a race needs two fusions that apply, found {len(able)}{why and ': ' + why}")
    return field
