"""How long a sweep will take: by what cells like its own took since it began, before that, or elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter

from bench.records.record import Attempt
from bench.sweep.cell import Cell
from bench.sweep.plan import Plan
from bench.text import count_of

FILE = Path(__file__).with_name("seconds.json")
MINUTE, HOUR = 60, 3600
T = TypeVar("T")


class Price(BaseModel):
    """What a cell of one backbone and protocol cost where it was measured; ``.ci/write_seconds.py`` writes it.

    Attributes:
        machine: where, in words. cells: how many were measured.
        train, test: seconds for each training and each test pair.
        encode: frozen features: seconds for each pair that is encoded, once for all fusions.
        warmup: seconds for each image of a warm-up; None where there was none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    backbone: str
    protocol: str
    machine: str
    cells: int
    train: float
    test: float
    encode: float
    warmup: float | None


class Kind(NamedTuple):
    """What cells have in common that take equally long."""

    backbone: str
    protocol: str
    train_pairs: int | None


class Size(NamedTuple):
    """Pairs that a cell is trained and tested on; training more than once counts each time."""

    train: int
    test: int


class Estimate(NamedTuple):
    """Seconds that are left, and what they rest on; None where too little is known."""

    seconds: float | None
    basis: str


class Clock:
    """What is left of a sweep.

    Args:
        plan: whose cells are to run. earlier: attempts that the run holds already.
        jobs: tasks that run at a time; None where that is not known, and then nothing is.
        device: ``cpu`` or ``cuda``; elsewhere was the CPU alone.
    """

    def __init__(self, plan: Plan, earlier: Iterable[Attempt], jobs: int | None, device: str) -> None:
        self._jobs = None if jobs is None else max(1, jobs)
        self._elsewhere = prices() if device == "cpu" else {}
        cells = [planned.cell for planned in plan.having("to run")]
        self._waiting = Counter((_kind(cell), _size(cell)) for cell in cells)
        self._to_encode = {_data(cell): _encoded(cell) for cell in cells if cell.protocol == "frozen"}
        self._warmups = Counter(_warmups(plan.missing_warmups()))
        self._earlier: dict[Kind, tuple[int, float]] = {}
        self._own: dict[Kind, tuple[int, float]] = {}
        self._own_warmups: dict[str, float] = {}
        for attempt in earlier:
            _add(self._earlier, attempt)

    def finished(self, cell: Cell, attempt: Attempt) -> None:
        """A cell has ended."""
        _take(self._waiting, (_kind(cell), _size(cell)))
        self._to_encode.pop(_data(cell), None)
        _add(self._own, attempt)

    def warmed_up(self, cell: Cell, seconds: float | None) -> None:
        """A warm-up has ended, after ``seconds`` where it did not fail."""
        backbone, images = next(_warmups([cell]))
        _take(self._warmups, (backbone, images))
        if seconds is not None:
            self._own_warmups[backbone] = seconds / images

    def left(self) -> Estimate:
        """What is left, were all that is under way still to begin."""
        if self._jobs is None or not self._waiting:
            return Estimate(None, "")
        unknown = sorted({_named(kind) for kind, _ in self._waiting if not self._knows(kind)})
        unknown += [f"a warm-up of {backbone}" for backbone, _ in self._warmups if self._of_image(backbone) is None]
        if unknown:
            return Estimate(None, f"how long it takes shows from the first results on: {unknown[0]} was not timed yet")
        warmups = [seconds for seconds, n in self._warmup_seconds() for _ in range(n)]
        cells = sum(n * self._seconds(kind, size) for (kind, size), n in self._waiting.items())
        encoding = sum(self._encoding(kind, pairs) for kind, pairs in self._to_encode.values())
        first = max(sum(warmups) / self._jobs, *warmups, 0.0)
        return Estimate(first + (cells + encoding) / self._jobs, self._basis())

    def _of_this_run(self, kind: Kind) -> tuple[int, float] | None:
        """How many such cells took how long: earlier ones, maybe of another machine, only until one ended here."""
        return self._own.get(kind) or self._earlier.get(kind)

    def _knows(self, kind: Kind) -> bool:
        return self._of_this_run(kind) is not None or (kind.backbone, kind.protocol) in self._elsewhere

    def _seconds(self, kind: Kind, size: Size) -> float:
        if counted := self._of_this_run(kind):
            n, seconds = counted
            return seconds / n
        price = self._elsewhere[kind.backbone, kind.protocol]
        return size.train * price.train + size.test * price.test

    def _encoding(self, kind: Kind, pairs: int) -> float:
        """Of a repetition; in what cells of this run took it is contained."""
        return 0.0 if self._of_this_run(kind) else pairs * self._elsewhere[kind.backbone, kind.protocol].encode

    def _of_image(self, backbone: str) -> float | None:
        elsewhere = (price.warmup for (name, _), price in self._elsewhere.items() if name == backbone)
        return self._own_warmups.get(backbone) or next(filter(None, elsewhere), None)

    def _warmup_seconds(self) -> Iterator[tuple[float, int]]:
        for (backbone, images), n in self._warmups.items():
            yield images * (self._of_image(backbone) or 0.0), n

    def _basis(self) -> str:
        kinds = {kind for kind, _ in self._waiting}
        own = sum(self._own[kind][0] for kind in kinds & self._own.keys())
        before = kinds & self._earlier.keys() - self._own.keys()
        earlier = sum(self._earlier[kind][0] for kind in before)
        used = {self._elsewhere[kind.backbone, kind.protocol] for kind in kinds if not self._of_this_run(kind)}
        parts = [f"{count_of(own, 'cell')} of this run"] if own else []
        parts += [f"{count_of(earlier, 'earlier cell')} of this run"] if earlier else []
        for machine in sorted({price.machine for price in used}):
            n = sum(price.cells for price in used if price.machine == machine)
            parts.append(f"{count_of(n, 'such cell')} on {machine}")
        hint = "; the first ones that finish here correct it" if used or before else ""
        return f"the time rests on {' and '.join(parts)}{hint}"


@cache
def prices() -> dict[tuple[str, str], Price]:
    """What was measured elsewhere, by backbone and protocol."""
    found = TypeAdapter(list[Price]).validate_json(FILE.read_bytes())
    return {(price.backbone, price.protocol): price for price in found}


def in_words(seconds: float) -> str:
    """A time as roughly as it is known: ``about 40 s``, ``about 12 min``, ``about 3.5 h``."""
    if seconds < MINUTE:
        return f"about {max(10, round(seconds, -1)):.0f} s"
    return f"about {seconds / MINUTE:.0f} min" if seconds < 2 * HOUR else f"about {seconds / HOUR:.1f} h"


def _kind(cell: Cell) -> Kind:
    return Kind(str(cell.backbone), cell.protocol, cell.recipe.train_pairs)


def _add(times: dict[Kind, tuple[int, float]], attempt: Attempt) -> None:
    if attempt.status == "ok" and "total" in attempt.times:
        kind = Kind(attempt.backbone, attempt.protocol, attempt.recipe.get("train_pairs"))
        n, seconds = times.get(kind, (0, 0.0))
        times[kind] = n + 1, seconds + attempt.times["total"]


def _take(counter: Counter[T], one: T) -> None:
    counter[one] -= 1
    if counter[one] <= 0:
        del counter[one]


def _named(kind: Kind) -> str:
    return f"{kind.backbone}, {kind.protocol},"


def _size(cell: Cell) -> Size:
    trained = cell.recipe.train_pairs * cell.recipe.epochs if cell.fusion.cls.encoder != "none" else 0
    return Size(trained, cell.test_pairs * len(cell.eval_domains))


def _data(cell: Cell) -> tuple[str, str, int]:
    """What frozen cells that differ in their fusion share: encodings are made once for it."""
    return str(cell.backbone), str(cell.domain), cell.seed


def _encoded(cell: Cell) -> tuple[Kind, int]:
    return _kind(cell), cell.recipe.train_pairs + cell.recipe.val_pairs + _size(cell).test


def _warmups(cells: Iterable[Cell]) -> Iterator[tuple[str, int]]:
    for cell in cells:
        yield str(cell.backbone), cell.warmup.recipe.images
