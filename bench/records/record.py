"""A record: what one attempt at a cell left. Every field stands here once, and is checked once, when it is read.

A resumed sweep reads an :class:`Attempt`, tables and comparisons a :class:`Record`, learning curves a
:class:`DetailedRecord`: each adds fields to the one before. A field that is not named is ignored; one that older
records lack has a default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import SchemaValidator, from_json

from bench.errors import UsageError
from bench.metrics import metric_names
from bench.records.facts import (
    CheckFacts,
    CostFacts,
    Count,
    DataFacts,
    Diagnostics,
    ErrorFacts,
    ExecutionFacts,
    Flag,
    Is,
    Key,
    MatchingFacts,
    MeasuredOn,
    Name,
    Number,
    RecipeFacts,
    Tested,
    Text,
    Times,
    WarmupFacts,
)
from bench.records.machine import Machine
from bench.records.schema import SchemaError, check_schema
from bench.text import printable

SCHEMA = 1
Status = Literal["ok", "not_applicable", "diverged", "collapsed", "oom", "timeout", "killed", "error"]
STATUSES: tuple[Status, ...] = get_args(Status)
DONE: frozenset[str] = frozenset({"ok", "not_applicable"})
Role = Literal["fusion", "reference", "control"]
ROLES: Mapping[str, Role] = MappingProxyType({"reference": "reference", "control": "control"})
Repeats = Literal["seed", "replicate"]
# The warm-up seed of a record that names none: a fusion of pixels, a start that failed, downloaded weights; and of
# replicates, which do not share one.
NO_SEED = -1
LONGEST_INPUT, LONGEST_PROBLEM = 60, 400


class Group(NamedTuple):
    """What the repetitions of one table row have in common. Sorts by table, then backbone, then fusion."""

    protocol: str
    warmup: str
    warmup_seed: int
    repeats: Repeats
    domain: str
    recipe_id: str
    backbone: str
    fusion: str


@dataclass(slots=True, kw_only=True)
class Attempt:
    """How an attempt at a cell ended: all that a resumed sweep needs."""

    schema: Annotated[int, Field(ge=SCHEMA, le=SCHEMA), "what tells a program whether it can read this"]
    key: Annotated[Key, "hash of everything that can change a number"]
    status: Annotated[Status, Is(f"a status ({', '.join(STATUSES)})"), "how it ended"]
    error: Annotated[ErrorFacts | None, "why there is no result"] = None
    backbone: Annotated[Name, "name of the backbone"]
    protocol: Annotated[Name, "scratch, finetune or frozen"]
    recipe: Annotated[RecipeFacts, "how it was trained"] = field(default_factory=RecipeFacts)
    times: Annotated[Times, "seconds it took"] = field(default_factory=Times)
    known_failure: Annotated[Text, "what is wrong with the fusion, where it is kept to show a mistake"] = ""

    @property
    def fails_as_stated(self) -> bool:
        """Whether it has no result, and the fusion is kept to show that."""
        return bool(self.known_failure) and self.status in ("collapsed", "diverged")

    @property
    def ending(self) -> str:
        """The status, with the first line of what the error said: lists have a line for each attempt."""
        return ": ".join([self.status, *in_short(self.error)])


@dataclass(slots=True, kw_only=True)
class Record(Attempt):
    """What tables and comparisons read of an attempt at a cell."""

    fusion: Annotated[Name, "name with parameters"]
    family: Annotated[Text, "of the fusion; empty where it is not known"] = ""
    role: Annotated[Role | None, "whether it is compared, knows more than a fusion may, or must stay at chance"] = None
    knows: Annotated[Text, "what a reference knows that a fusion may not"] = ""
    symmetric: Annotated[Flag | None, "whether the order of the images makes no difference"] = None
    domain: Annotated[Name, "trained on"]
    seed: Annotated[Count, "of training data, their order and the initialisation"]
    repeats: Annotated[
        Repeats,
        Is("seed or replicate"),
        "what the seed counts: seeds, or replicates with draws and a warm-up of their own",
    ] = "seed"
    warmup: Annotated[WarmupFacts, "where training started"]
    recipe_id: Annotated[Name, "hash of the recipes"]
    matching: Annotated[MatchingFacts | None, "how it was matched in parameters"] = None
    data: Annotated[dict[str, DataFacts], "test set by evaluated domain"] = field(default_factory=dict)
    eval: Annotated[dict[str, Tested], "results by evaluated domain"] = field(default_factory=dict)
    labelled_pairs: Annotated[Count | None, "pairs whose label training saw, each time that it did"] = None
    cost: Annotated[CostFacts, "what it costs"] = field(default_factory=CostFacts)
    execution: Annotated[ExecutionFacts, "where and how it was computed"] = field(default_factory=ExecutionFacts)
    diagnostics: Annotated[Diagnostics, "state of the trained model"] = field(default_factory=Diagnostics)
    finished: Annotated[Text, "date and time in ISO 8601, UTC"] = ""
    measured_on: Annotated[MeasuredOn | None, "a run folder names the machine in run.json instead"] = None

    group: Group = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Find the row of a table that it belongs to, and its role: older records name a family only."""
        self.role = self.role or ROLES.get(self.family)
        # Each replicate has a warm-up of its own.
        warmup_seed = self.warmup.get("seed", NO_SEED) if self.repeats == "seed" else NO_SEED
        self.group = Group(
            self.protocol,
            self.warmup["task"],
            warmup_seed,
            self.repeats,
            self.domain,
            self.recipe_id,
            self.backbone,
            self.fusion,
        )

    @property
    def attempt(self) -> Attempt:
        """What a resumed sweep needs of it: less than half, where a million are held."""
        return Attempt(**{name: getattr(self, name) for name in Attempt.__slots__})

    @property
    def machine(self) -> Machine | None:
        """That it ran on; None where that is not known."""
        return self.measured_on.machine if self.measured_on else None

    def cost_of(self, field: str) -> float | None:
        """A count or a rate by its name; None where it is missing."""
        costs: Any = self.cost
        found: float | None = costs.get(field)
        return found

    def joining(self, warmup_seed: int) -> Record:
        """The same in the table of that warm-up seed, for a record that names none."""
        return replace(self, warmup={**self.warmup, "seed": warmup_seed})

    @property
    def succeeds_unexpectedly(self) -> bool:
        """Whether it has learned although the fusion is kept to show that it does not."""
        return bool(self.known_failure) and self.status == "ok" and not self.diagnostics.get("note")

    @property
    def message(self) -> str:
        """The first line of the error, with its type unless the status says it; without an error what was noted."""
        error: ErrorFacts = self.error or {}
        kind = error.get("type", "")
        named = kind if kind not in ("NotApplicableError", "CollapsedError") else ""
        return ": ".join(filter(None, [named, *first_line(error)])) or self.diagnostics.get("note", "")


@dataclass(slots=True, kw_only=True)
class DetailedRecord(Record):
    """A record as it is written, with the course of training and validation, which no table shows."""

    validation: Annotated[dict[str, Number | None], "metrics of the validation pairs: what may be chosen by"] = field(
        default_factory=dict
    )
    curve: Annotated[tuple[tuple[Count, Number, Number], ...], "pairs seen, training loss and accuracy"] = ()
    stopped_early: Annotated[Flag | None, "whether validation ended training"] = None
    checks: Annotated[tuple[CheckFacts, ...], "what was seen meanwhile, where it was watched"] = ()
    auxiliary: Annotated[dict[str, dict[str, Number]], "errors of each auxiliary head"] = field(default_factory=dict)
    threshold_from: Annotated[Literal["validation"] | None, "what 0 is the threshold of, where not training"] = None


def first_line(error: ErrorFacts | None) -> list[str]:
    """The first line of the message of an error; nothing where it has none."""
    return (error or {}).get("message", "").strip().splitlines()[:1]


def in_short(error: ErrorFacts | None) -> list[str]:
    """The type of an error that nobody foresaw, and the :func:`first_line` of any."""
    kind = error.get("type", "") if error and error.get("traceback") else ""
    return [*filter(None, [kind]), *first_line(error)]


Kind = TypeVar("Kind", bound=Attempt)


def checker(kind: type[Kind]) -> Callable[[bytes, str], Kind]:
    """The function that reads one line: given the line and where it stands, it returns the record.

    It raises ``UsageError`` where the line is no record, one of another schema, or lacks a field or has one that is not
    what it has to be.
    """
    adapted: Any = kind
    validate = _validator(adapted, metric_names()).validate_json

    def check(line: bytes, where: str) -> Kind:
        try:
            record: Kind = validate(line, strict=True)
        except ValidationError as error:
            key = parse(line, where).get("key")
            raise UsageError(printable(f"{where}: record {key}: {problem_of(error)}", LONGEST_PROBLEM)) from None
        # A field that is not read by name, as of a recipe, is kept by baselines and pages.
        if (b"NaN" in line or b"Infinity" in line) and not _is_finite(line):
            raise UsageError(printable(f"{where}: record {record.key}: a number in it is not finite", LONGEST_PROBLEM))
        return record

    return check


def _is_finite(line: bytes) -> bool:
    try:
        from_json(line, allow_inf_nan=False)
    except ValueError:
        return False
    return True


def parse(line: bytes, where: str) -> dict[str, Any]:
    """The JSON object in one line, whatever its fields.

    Raises:
        UsageError: it is no JSON; as ``SchemaError``, no object of this ``SCHEMA``.
    """
    try:
        content = from_json(line)
    except ValueError:
        raise UsageError(f"{where}: not a JSON record") from None
    if not isinstance(content, dict):
        raise SchemaError(f"{where}: not a record of this program (no schema number)")
    check_schema(content.get("schema"), SCHEMA, where)
    return content


@cache
def _validator(kind: type[Any], metrics: tuple[str, ...]) -> SchemaValidator:
    """Built once for each kind and the metrics there are."""
    validator = TypeAdapter(kind).validator
    assert isinstance(validator, SchemaValidator)
    return validator


def problem_of(error: ValidationError) -> str:
    """The first problem: which field, what stands there, what it is not."""
    problem = error.errors(include_url=False)[0]
    name = ".".join(map(str, problem["loc"]))
    if problem["type"] == "missing":
        return f"{name} is missing"
    value = repr(problem["input"])
    shown = value if len(value) <= LONGEST_INPUT else f"{value[:LONGEST_INPUT]}..."
    return f"{name}: {shown} {problem['msg']}" if problem["type"] == "is_not" else f"{name}: {shown}: {problem['msg']}"
