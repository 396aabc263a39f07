"""How an attempt at a cell ended, in the terms of a record."""

from __future__ import annotations

import traceback
from typing import Any

from bench.errors import DivergedError, NotApplicableError, message_of
from bench.guard import EndedTheProgramError
from bench.records.record import Status
from bench.text import printable, without_home

OOM_SIGNS = ("out of memory", "can't allocate memory", "not enough memory")
LONGEST_MESSAGE, LONGEST_TRACE = 2_000, 20_000


def status_of(error: BaseException) -> Status:
    """The status that an exception stands for."""
    if isinstance(error, NotApplicableError):
        return "not_applicable"
    if isinstance(error, DivergedError):
        return "diverged"
    if isinstance(error, EndedTheProgramError):
        return "killed"
    if isinstance(error, MemoryError) or any(sign in message_of(error).lower() for sign in OOM_SIGNS):
        return "oom"
    return "error"


def failure(status: Status, kind: str, message: str, trace: str | None = None) -> dict[str, Any]:
    """The part of a record that a failed attempt leaves. Texts of any origin and length become safe to store."""
    error = {"type": printable(kind, LONGEST_MESSAGE), "message": printable(without_home(message), LONGEST_MESSAGE)}
    traced = {"traceback": printable(without_home(trace), LONGEST_TRACE)} if trace else {}
    return {"status": status, "error": {**error, **traced}}


def failure_of(error: BaseException) -> dict[str, Any]:
    """The part of a record that an exception leaves; the traceback is kept only for errors nobody foresaw."""
    status, kind = status_of(error), type(error).__name__
    message = message_of(error) or f"{kind} without a message"
    return failure(status, kind, message, _trace(error) if status == "error" else None)


def _trace(error: BaseException) -> str | None:
    try:
        return "".join(traceback.format_exception(error))
    except Exception:
        return None  # the error of a plug-in whose own text raises
