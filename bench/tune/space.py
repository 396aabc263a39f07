"""The space of recipes that is tried: read from a text, and the points of it that all fusions are given."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from bench.errors import LONGEST_VALUE, UsageError
from bench.text import printable
from bench.training.recipe import Recipe, check_fields
from bench.yaml12 import scalar

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

OPTION = "--over"
GRID = "grid"
FEWEST_TRIALS, MOST_TRIALS = 2, 1_000
DIGITS = 4  # of a drawn number: more tell nothing and are hard to read
TRIES = 50  # draws for each point that is wanted, as some are there already
SEED = 0
# What trials are told apart by has to be the same for all of them, and one text cannot hold a mapping.
FIXED = {"val_pairs": "all trials are judged on as many validation pairs", "auxiliary": "it is a mapping"}

Point = Mapping[str, Any]


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included: whole ones alone, or all; evenly, or evenly in the logarithm."""

    low: float
    high: float
    is_log: bool
    is_whole: bool

    @property
    def size(self) -> float:
        """How many values there are."""
        return self.high - self.low + 1 if self.is_whole else math.inf

    def distribution(self) -> BaseDistribution:
        """The same for Optuna."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.is_whole:
            return IntDistribution(int(self.low), int(self.high), log=self.is_log)
        return FloatDistribution(self.low, self.high, log=self.is_log)

    def shown(self, value: Any) -> Any:
        """A drawn value in few digits."""
        return value if self.is_whole else min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)


@dataclass(frozen=True)
class Values:
    """Listed values, without an order."""

    values: tuple[Any, ...]

    @property
    def size(self) -> float:
        """How many values there are."""
        return len(self.values)

    def distribution(self) -> BaseDistribution:
        """The same for Optuna."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def shown(self, value: Any) -> Any:
        """A drawn value as it is."""
        return value


Space = Mapping[str, Range | Values]


def read_space(texts: Sequence[str]) -> Space:
    """``lr=1e-4..1e-1:log,optimizer=adamw|sgd``: fields of the recipe, each with a range or with listed values.

    Raises:
        UsageError: a part is none of these, or a value is none that the field can have.
    """
    space: dict[str, Range | Values] = {}
    form = "field=low..high, field=low..high:log or field=a|b|c"
    if not any(text.strip() for text in texts):
        raise UsageError(f"{OPTION} is needed: what to tune, as {form}")
    for part in ",".join(texts).split(","):
        name, sign, text = (piece.strip() for piece in part.partition("="))
        where = f"{OPTION} {_quoted(part.strip())}"
        if not sign or not text:
            raise UsageError(f"{where}: expected {form}")
        if name in FIXED:
            raise UsageError(f"{where}: {name} cannot be tuned: {FIXED[name]}")
        if name in space:
            raise UsageError(f"{where}: {name} is given twice")
        space[name] = _read_range(name, text, where) if ".." in text else _read_values(name, text, where)
    return space


def read_trials(text: str) -> int | None:
    """A number of trials, or None for ``grid``: every combination of listed values.

    Raises:
        UsageError: neither of them.
    """
    if text == GRID:
        return None
    count = scalar(text)
    if not isinstance(count, int) or isinstance(count, bool) or not FEWEST_TRIALS <= count <= MOST_TRIALS:
        raise UsageError(
            f"--trials {_quoted(text)}: expected {GRID} or a number of {FEWEST_TRIALS} to {MOST_TRIALS:,}, the default "
            "recipe among them"
        )
    return count


def grid(space: Space) -> list[Point]:
    """Every combination of listed values, the last field changing fastest.

    Raises:
        UsageError: a field has a range, or there are too many.
    """
    for name, one in space.items():
        if isinstance(one, Range):
            raise UsageError(f"--trials {GRID}: {name} has a range; list its values as {name}=a|b|c")
    listed = {name: one.values for name, one in space.items() if isinstance(one, Values)}
    return _combinations(listed, f"--trials {GRID}")


def expanded(fields: Mapping[str, Any], where: str) -> list[Point]:
    """Every combination of fields with one value each or with several: a list of them, or ``a|b|c``.

    Raises:
        UsageError: a value is listed twice, or there are too many combinations.
    """
    return _combinations({name: _listed(value, f"{where} {name}") for name, value in fields.items()}, where)


def _combinations(listed: Mapping[str, Sequence[Any]], where: str) -> list[Point]:
    size = math.prod(map(len, listed.values()))
    if size >= MOST_TRIALS:
        raise UsageError(f"{where}: {size:,} combinations; expected less than {MOST_TRIALS:,}")
    return [dict(zip(listed, values, strict=True)) for values in product(*listed.values())]


def points(space: Space, n: int) -> list[Point]:
    """The first ``n`` different points of one quasi-random sequence in a space, the same at every call.

    They cover a space more evenly than chance does, and more of them go on where fewer ended (Sobol', 1967, scrambled;
    Bergstra and Bengio, 2012, Random search for hyper-parameter optimization).

    Raises:
        UsageError: the space has fewer, or Optuna is not installed.
    """
    size = math.prod(one.size for one in space.values())
    found: dict[tuple[Any, ...], Point] = {}
    if size >= n:
        for point in islice(_sequence(space), TRIES * n):
            found.setdefault(tuple(point.values()), point)
            if len(found) == n:
                return list(found.values())
    raise UsageError(
        f"--trials {n + 1}: beside the default recipe the space has {f'{size:,.0f}' if size < n else 'hardly so many'} "
        f"points; --trials {GRID} tries all combinations of listed values"
    )


def _sequence(space: Space) -> Iterator[Point]:
    try:
        import optuna
    except ImportError as error:
        raise UsageError(
            f"bench tune needs {error.name}, which is not installed; get it with pip install 'fusebench[tune]', or try "
            f"all combinations of listed values with --trials {GRID}"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.QMCSampler(scramble=True, seed=SEED)
    study = optuna.create_study(sampler=sampler)
    distributions = {name: one.distribution() for name, one in space.items()}
    study.ask(distributions)  # the first one is no part of the sequence: it tells the sampler what the space is
    while True:
        drawn = study.ask(distributions).params
        yield {name: one.shown(drawn[name]) for name, one in space.items()}


def _read_range(name: str, text: str, where: str) -> Range:
    ends, sign, scale = text.partition(":")
    if sign and scale != "log":
        raise UsageError(f"{where}: {_quoted(scale)} is no scale; expected log, or nothing")
    low, high = (_checked(name, scalar(end.strip()), where) for end in ends.split("..", 1))
    if any(isinstance(end, bool) or not isinstance(end, int | float) for end in (low, high)):
        raise UsageError(f"{where}: a range has two numbers; list other values as {name}=a|b|c")
    if low >= high:
        raise UsageError(f"{where}: expected a lower number before a higher one")
    if sign and low <= 0:
        raise UsageError(f"{where}: a range with :log begins above 0")
    is_whole = Recipe.model_fields[name].annotation is int
    return Range(low if is_whole else float(low), high if is_whole else float(high), bool(sign), is_whole)


def _read_values(name: str, text: str, where: str) -> Values:
    return Values(tuple(_checked(name, value, where) for value in _listed(text, where)))


def _listed(value: Any, where: str) -> tuple[Any, ...]:
    """The values of a list or of a text ``a|b|c``; anything else is one value."""
    values = tuple(scalar(one.strip()) for one in value.split("|")) if isinstance(value, str) else value
    if not isinstance(values, list | tuple):
        return (values,)
    if not values:
        raise UsageError(f"{where}: the list is empty")
    if len({*map(str, values)}) < len(values):
        raise UsageError(f"{where}: a value is listed twice")
    return tuple(values)


def _checked(name: str, value: Any, where: str) -> Any:
    """A value that the field of a recipe can have."""
    check_fields(Recipe, {name: value}, lambda _: where)
    return value


def _quoted(text: str) -> str:
    return printable(repr(text), LONGEST_VALUE)
