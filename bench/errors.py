"""The errors that a user can cause and the failures that a cell can end in."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from bench.text import printable

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

LONGEST_LINE = 1_000


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
    """Type and first line of an error, fit to be printed."""
    first, *_ = message_of(error).splitlines() or [""]
    return printable(f"{type(error).__name__}: {first}", LONGEST_LINE)


def explain(error: ValidationError, model: type[BaseModel], where: Callable[[str], str]) -> str:
    """The first problem of a validation error in one line: where it stands, what is wrong, what is allowed."""
    problem = error.errors()[0]
    key = str(problem["loc"][0]) if problem["loc"] else ""
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(key, model.model_fields, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"{where(key)}: unknown key {key!r}; {hint}allowed: {', '.join(model.model_fields)}"
    if problem["type"] == "too_short":
        return f"{where(key)}: {key}: expected at least one value"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where(key)}: {key} = {problem['input']!r}: {message}" if key else f"{where(key)}: {message}"
