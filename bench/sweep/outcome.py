"""How an attempt at a cell ended, in the terms of a record."""

from __future__ import annotations

import traceback
from typing import Any

from bench.errors import DivergedError, NotApplicableError
from bench.records.record import Status

OOM_SIGNS = ("out of memory", "can't allocate memory", "not enough memory")


def status_of(error: BaseException) -> Status:
    """The status that an exception stands for."""
    if isinstance(error, NotApplicableError):
        return "not_applicable"
    if isinstance(error, DivergedError):
        return "diverged"
    if isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in OOM_SIGNS):
        return "oom"
    return "error"


def failure(status: Status, kind: str, message: str, trace: str | None = None) -> dict[str, Any]:
    """The part of a record that a failed attempt leaves."""
    error = {"type": kind, "message": message}
    return {"status": status, "error": {**error, "traceback": trace} if trace else error}


def failure_of(error: BaseException) -> dict[str, Any]:
    """The part of a record that an exception leaves; the traceback is kept only for errors nobody foresaw."""
    status = status_of(error)
    trace = "".join(traceback.format_exception(error)) if status == "error" else None
    return failure(status, type(error).__name__, str(error), trace)
