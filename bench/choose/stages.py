"""The stages of a race: frozen screening, finalists, one look at the test set; each a run folder, all resumable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rich.console import Console

from bench import zoo
from bench.choose.course import WORSE, Course, Outcome, follow
from bench.choose.field import Field, field_of
from bench.choose.look import RACED_BY, Look, Price, begun, price_of
from bench.choose.question import FINALISTS, SCREENING, TEST, Clock, Question
from bench.choose.race import FIRST_LOOK
from bench.interrupt import Interrupted
from bench.records.folder import RunFolder
from bench.records.record import DetailedRecord
from bench.sweep.config import FEWEST_TEST_PAIRS
from bench.sweep.plan import make_plan
from bench.sweep.run import run_sweep
from bench.text import count_of, say
from bench.training.recipe import Protocol

# The share of the budget by whose end screening is over.
SCREENED_BY = 0.5
MOST_SCREENED = 20
SIGNALS = 128


@dataclass(frozen=True)
class State:
    """How far a race has come.

    Attributes:
        screening: None where nobody had to be screened. final: the race among finalists, which is the screening where
            the encoder stays frozen; None where it has not begun. set_aside: not surely worse, but not among the
            finalists. look: None before it is complete. price: of a look that the budget had no room for.
    """

    question: Question
    field: Field
    screening: Course | None = None
    final: Course | None = None
    set_aside: tuple[str, ...] = ()
    look: Look | None = None
    price: Price | None = None
    minutes: float = 0.0
    exit_code: int = 0

    @property
    def seconds(self) -> float:
        """What it has taken."""
        return 60 * self.minutes

    @property
    def course(self) -> Course | None:
        """The last one in which a replicate is finished."""
        return next((one for one in (self.final, self.screening) if one is not None and one.numbers), None)

    @property
    def protocol(self) -> Protocol:
        """Of the last course."""
        is_final = self.course is not None and self.course is self.final
        return self.question.sweep.protocol if is_final else "frozen"


def race(question: Question, command: Sequence[str], console: Console) -> State:
    """Run what is not done yet, as long as the budget lasts or until Ctrl-C.

    Args:
        command: for the headers of the runs. console: where news go (stderr).

    Raises:
        UsageError: bad input, or another race lies in the folder.
        StorageError: a file could not be written; what was finished is kept.
    """
    zoo.load(question.sweep.include)
    for plugin in zoo.broken_plugins():
        say(console, f"warning: {plugin.path} is left out: {plugin.error}", "yellow")
    plan = make_plan(question.sweep, {})
    # Of one repetition, whichever are planned.
    clock = Clock.of(question, {str(one.cell.fusion): one.cell.keys([0])[0] for one in plan.cells})
    runner = _Runner(question, field_of(question), clock, command, console)
    clock.keep()
    for line in (*plan.repeated(), *plan.unread()):
        say(console, f"  {line}")
    code = 0
    try:
        runner.go()
    except KeyboardInterrupt as error:
        code = getattr(error, "exit_code", SIGNALS + 2)
    return replace(runner.state, minutes=clock.counted / 60, exit_code=code)


class _Runner:
    """One session of a race."""

    def __init__(
        self, question: Question, field: Field, clock: Clock, command: Sequence[str], console: Console
    ) -> None:
        self.question, self.field, self.clock = question, field, clock
        self._command, self._console = command, console
        self.state = State(question, field)

    def go(self) -> None:
        """All stages; ``state`` is what is known at any time."""
        question, field = self.question, self.field
        last, first, entered = question.sweep.protocol, 0, field.finalists
        if field.screened and last != "frozen":
            screening = self._race(SCREENING, "frozen", field.screened, 0, SCREENED_BY, self._is_screened, FINALISTS)
            entered, first = screening.staying[: question.finalists], self._next_number(screening)
            self.state = replace(self.state, set_aside=screening.staying[len(entered) :])
        elif field.screened:
            entered = field.screened
        stage = self._last_stage
        final = self._race(stage, last, entered, first, RACED_BY, self._is_decided, TEST)
        self._look(final)
        if self.state.look is None:
            # There was no time for it: then for as much of the race as there is.
            self._look(self._race(stage, last, entered, first, 1.0, self._is_decided, TEST))

    @property
    def _last_stage(self) -> str:
        return SCREENING if self.question.sweep.protocol == "frozen" else FINALISTS

    def _race(
        self,
        stage: str,
        protocol: Protocol,
        entered: tuple[str, ...],
        first: int,
        share: float,
        is_over: Callable[[Course], bool],
        after: str,
    ) -> Course:
        """Replicate after replicate, until it is over, the share of the budget is spent, or the stage ``after`` it has
        begun: what that was decided by stays as it was."""
        is_closed = bool(RunFolder(self.question.out / after).header())
        course = self._course(stage, entered, first)
        while course.staying and not is_closed and not is_over(course):
            done = len(course.numbers)
            wanted = FIRST_LOOK - done if 0 < done < FIRST_LOOK else 1
            count = self.clock.replicates_that_fit(stage, share, wanted)
            if course.next == first and stage == SCREENING:
                count = 1
            if not count:
                break
            # A screened cell has to be tested on something, and this is not looked at.
            self._run(stage, protocol, course.staying, course.next, count, FEWEST_TEST_PAIRS)
            before, course = course, self._course(stage, entered, first)
            self._tell(stage, before, course)
        return course

    def _course(self, stage: str, entered: tuple[str, ...], first: int) -> Course:
        found = outcomes(RunFolder(self.question.out / stage), self.question.select)
        course = follow(entered, found, first, self.question.direction)
        known = self.state
        self.state = replace(
            known,
            screening=course if stage == SCREENING else known.screening,
            final=course if stage == self._last_stage else known.final,
        )
        return course

    def _is_screened(self, course: Course) -> bool:
        """Whether it is told who goes on, or takes too long to tell."""
        return len(course.staying) <= self.question.finalists or len(course.numbers) >= MOST_SCREENED

    def _is_decided(self, course: Course) -> bool:
        return course.stands(self.question.margin)

    def _next_number(self, screening: Course) -> int:
        """The first replicate that screening has not seen, or the one that the finalists began with."""
        known = [number for _, number in outcomes(RunFolder(self.question.out / FINALISTS), self.question.select)]
        return min(known, default=screening.next)

    def _look(self, final: Course) -> None:
        """Test those who stayed, the runner-up and the baseline, once."""
        if not final.staying or not final.numbers:
            return
        folder = RunFolder(self.question.out / TEST)
        price = price_of(self.question, self.clock.longest, self._last_stage, final)
        look = begun(folder, final) or price.affordable(self.question.budget - self.clock.spent)
        if look is None:
            self.state = replace(self.state, price=price)
            return

        def missing() -> bool:
            done = {(record.fusion, record.seed) for record in folder.records(DetailedRecord)}
            return any((one, number) not in done for one in look.fusions for number in look.numbers)

        if missing():
            pairs = self.question.sweep.test_pairs
            self._run(TEST, self.state.protocol, look.fusions, look.first, look.replicates, pairs)
        if not missing():
            self.state = replace(self.state, look=look)

    def _run(
        self, stage: str, protocol: Protocol, fusions: Sequence[str], first: int, count: int, test_pairs: int
    ) -> None:
        """Run a sweep of so many replicates; raises ``Interrupted`` where it was."""
        settings = {
            "fusion": tuple(fusions),
            "protocol": protocol,
            "replicates": count,
            "first_replicate": first,
            "test_pairs": test_pairs,
            "eval": (),
            # What is trained in the race itself is not what is recommended.
            "save": self.question.sweep.save if stage == TEST else "none",
            "out": str(self.question.out / stage),
        }
        cells = f"{count_of(count, 'replicate')} of {count_of(len(fusions), 'fusion')}"
        say(self._console, f"{stage}: {cells}, {protocol}, from replicate {first} on ...", "dim")
        since, code = self.clock.spent, 0
        try:
            code = run_sweep(self.question.sweep.model_copy(update=settings), self._command, Console(quiet=True))
        finally:
            each = (self.clock.spent - since) / count
            if code <= SIGNALS:
                self.clock.took(stage, self._with_warmup(stage, range(first, first + count), each))
            elif stage in self.clock.longest:
                # One that was cut short takes at least as long; by itself it tells nothing.
                self.clock.took(stage, each)
            self.clock.count()
        if code > SIGNALS:
            raise Interrupted(code - SIGNALS)

    def _with_warmup(self, stage: str, numbers: range, seconds: float) -> float:
        """What a new replicate takes, if these took so many seconds each: where their warm-ups lay in the cache, with
        the longest of them."""
        records = RunFolder(self.question.out / stage).records(DetailedRecord)
        warmups = [float(record.warmup.get("seconds", 0.0)) for record in records if record.seed in numbers]
        warmup = max(warmups, default=0.0)
        return seconds if seconds >= warmup else seconds + warmup

    def _tell(self, stage: str, before: Course, course: Course) -> None:
        """Say what the last replicates have changed."""
        gone = {one: why for one, why in course.left.items() if one not in before.left}
        left = f"{len(course.staying)} of {len(course.entered)} left"
        minutes = self.question.minutes
        spent = minutes(self.clock.spent)
        where = f"{stage}: {count_of(len(course.numbers), 'replicate')}, {left}"
        say(self._console, f"{where}, {spent} of {minutes(self.question.budget)} min")
        for number in course.void[len(before.void) :]:
            say(self._console, f"  replicate {number} gave nobody a score, and is not counted", "red")
        worse = [one for one, why in gone.items() if why.reason == WORSE]
        if worse:
            say(self._console, f"  out, surely worse: {', '.join(worse)}")
        for one, why in gone.items():
            if why.reason != WORSE:
                say(self._console, f"  out, {one}: {why.reason}", "red")


def outcomes(folder: RunFolder, metric: str) -> dict[tuple[str, int], Outcome]:
    """What the latest attempt at each cell of a stage gave, by fusion and replicate: a score, or why there is none."""
    found: dict[tuple[str, int], Outcome] = {}
    for record in folder.records(DetailedRecord):
        value = record.validation.get(metric) if record.status == "ok" else None
        none = record.ending if record.status != "ok" else f"{metric} is not defined"
        found[record.fusion, record.seed] = none if value is None else float(value)
    return found
