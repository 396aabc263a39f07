"""What the fields of a configuration are written as, in YAML, on a command line or in Python: names, seeds, parts."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, field_validator

from bench.spec import why_unfit
from bench.text import names_in

MOST_SEEDS = 10_000
LARGEST_SEED = 2**31 - 1
MOST_PARTS = 10_000


def split_names(value: Any) -> Any:
    """Names from a text with commas, or from several; anything else is returned as it is.

    Raises:
        ValueError: one of several is no name, as where a colon is followed by a space: YAML reads a mapping there.
    """
    parts = [value] if isinstance(value, str | Path) else value
    if not isinstance(parts, Sequence):
        return value
    for part in parts:
        if part is None or isinstance(part, Mapping | list | tuple | int | float):
            raise ValueError(f"{part!r} is not a name; names with parameters are written name:param=value")
    return names_in(*map(str, parts))


def read_seeds(value: Any) -> tuple[int, ...]:
    """Seeds from 3, ``"0..4"`` (both ends included), ``"0,2,7"`` or several of these, without repeats.

    Raises:
        ValueError: something else, one that is negative or too large, or too many.
    """
    parts = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    found: dict[int, None] = {}
    counted = 0
    for run in (run for part in parts for run in _runs_of_seeds(part)):
        # Before they are counted out: those of 0..1000000000 would fill the memory.
        counted += len(run)
        if counted > MOST_SEEDS:
            raise ValueError(f"expected at most {MOST_SEEDS:,} seeds")
        found |= dict.fromkeys(run)
    return tuple(found)


def _runs_of_seeds(part: Any) -> Iterator[range]:
    if not isinstance(part, str):
        try:
            seed = operator.index(part)
        except TypeError:
            seed = -1
        if isinstance(part, bool) or not 0 <= seed <= LARGEST_SEED:
            raise ValueError(f"{part!r} is not a seed; expected 3, 0..4 or 0,2,7 with seeds of 0 to {LARGEST_SEED}")
        yield range(seed, seed + 1)
        return
    for piece in part.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,10})(?:\s*\.\.\s*([0-9]{1,10}))?\s*", piece)
        if not match or int(match[2] or match[1]) > LARGEST_SEED:
            raise ValueError(f"{piece!r} is not a seed; expected 3, 0..4 or 0,2,7 with seeds of 0 to {LARGEST_SEED}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ValueError(f"{piece!r} counts down; expected first..last")
        yield range(first, last + 1)


def read_part(text: str) -> tuple[int, int]:
    """``3/8`` as the number of a part, from 1, and how many there are.

    Raises:
        ValueError: something else, or more than ``MOST_PARTS``.
    """
    match = re.fullmatch(r"\s*([0-9]{1,5})\s*/\s*([0-9]{1,5})\s*", text)
    number, parts = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= parts <= MOST_PARTS:
        raise ValueError(f"{text!r} is not a part; expected 1/8 to 8/8, of at most {MOST_PARTS:,} parts")
    return number, parts


def read_store(url: str) -> str:
    """The URL of a store as it is given, which a record of the run may hold.

    Raises:
        ValueError: it is none, or has a password in it.
    """
    if "://" not in url:
        raise ValueError("expected a URL, such as s3://bucket/sweep or file:///mnt/sweep")
    if urlsplit(url).password is not None:
        raise ValueError("run.json would hold the password; leave it to the configuration of fsspec")
    return url


StoreUrl = Annotated[str, AfterValidator(read_store)]


class Settings(BaseModel):
    """Base class of what a command can be told: every text in it can stand in a record and in a table."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _check_texts(cls, value: Any) -> Any:
        for problem in filter(None, map(why_unfit, texts(value))):
            raise ValueError(problem)
        return value


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, whether key or value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for one in (*value, *value.values()) for text in texts(one))
    elif isinstance(value, list | tuple):
        yield from (text for one in value for text in texts(one))
