"""How an attempt at a cell ended, in the terms of a record."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from typing import Any

from bench.errors import CollapsedError, DivergedError, NotApplicableError, message_of
from bench.guard import EndedTheProgramError
from bench.records.append import stored
from bench.records.record import Status
from bench.text import without_home

OOM_SIGNS = ("out of memory", "can't allocate memory", "not enough memory")


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
    told = {"type": kind, "message": message} | ({"traceback": trace} if trace else {})
    return {"status": status, "error": {name: stored(without_home(text), name) for name, text in told.items()}}


def judged(measured: Mapping[str, Any]) -> dict[str, Any]:
    """What a cell measured, with its status in place of ``collapse``."""
    try:
        json.dumps(dict(measured), allow_nan=False)
    except ValueError:
        return failure("diverged", DivergedError.__name__, "a measured value is not finite")
    result = {name: value for name, value in measured.items() if name != "collapse"}
    if reason := measured["collapse"]:
        return {**result, **failure("collapsed", CollapsedError.__name__, reason)}
    return {**result, "status": "ok", "error": None}


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
