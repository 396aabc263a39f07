"""The errors that a user can cause and the failures that a cell can end in."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from bench.text import printable

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

LONGEST_LINE = 1_000
LONGEST_VALUE = 100  # characters of what a user gave that a message repeats
LONGEST_NAME = 200  # of the name of a file or domain


class UsageError(Exception):
    """Bad input: what was wrong, where, and what is allowed. The command line prints it and exits 2."""


class StorageError(UsageError):
    """A file or folder could not be written, as on a full disk; the message says which, and why."""

    @classmethod
    def of(cls, path: object, error: OSError) -> StorageError:
        """The error of the system for ``path``, in one line."""
        return cls(f"{path}: {error.strerror or error}")


class NotApplicableError(Exception):
    """A combination that makes no sense; the message is the reason shown in the plan and the tables."""


class DivergedError(Exception):
    """Training met a loss or gradient that is not finite."""


class CollapsedError(Exception):
    """Training ended in a model whose scores or embeddings no longer depend on the images."""


def message_of(error: BaseException) -> str:
    """What an error says, also one of a plug-in: one whose text cannot be had says that."""
    if isinstance(error, SystemExit):
        return f"it called for the program to exit, with {error.code!r}"
    try:
        return "".join(str(error))
    except BaseException as second:
        return f"no message: its text raises {type(second).__name__}"


def in_a_line(error: BaseException) -> str:
    """Type and first line of an error, as far as it has one, fit to be printed."""
    first, *_ = message_of(error).splitlines() or [""]
    return printable(f"{type(error).__name__}: {first}" if first else type(error).__name__, LONGEST_LINE)


def explain(error: ValidationError, model: type[BaseModel], where: Callable[[str], str]) -> str:
    """The first problem of a validation error in one line: where it stands, what is wrong, what is allowed."""
    problem = error.errors()[0]
    place = problem["loc"]
    key = str(place[0]) if place else ""
    origin = printable(where(key), 3 * LONGEST_VALUE)
    if problem["type"] == "extra_forbidden":
        shown = printable(key, LONGEST_VALUE)
        near = get_close_matches(shown, model.model_fields, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"{origin}: unknown key {shown!r}; {hint}allowed: {', '.join(model.model_fields)}"
    if problem["type"] == "too_short":
        return f"{origin}: {key}: expected at least one value"
    # Of a mapping in a field, the key as well; places in lists are seen from the value.
    name = ".".join([key, *(one for one in place[1:] if isinstance(one, str) and one != "[key]")])
    said = "expected a text, or a list of them" if problem["type"] == "tuple_type" else problem["msg"]
    message = printable(said.removeprefix("Value error, "), 3 * LONGEST_VALUE)
    value = printable(repr(problem["input"]), LONGEST_VALUE)
    return f"{origin}: {printable(name, LONGEST_VALUE)} = {value}: {message}" if key else f"{origin}: {message}"
