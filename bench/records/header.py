"""``run.json``: what was asked for, where and with which versions. No score depends on it; margins and machines do."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from bench.errors import StorageError, UsageError
from bench.records.record import SCHEMA, problem_of
from bench.records.schema import check_schema
from bench.text import printable

LONGEST_PROBLEM = 200


@with_config(extra="allow")
class ConfigFacts(TypedDict, total=False):
    """Of the resolved configuration what reports read."""

    jobs: int | None


@with_config(extra="allow")
class HardwareFacts(TypedDict, total=False):
    """The machine."""

    cpu: str | None
    capability: str | None
    cores: int | None
    gpus: list[str] | None
    system: str | None


@with_config(extra="allow")
class GitFacts(TypedDict, total=False):
    """The checkout that the program ran from."""

    sha: str
    dirty: bool


@with_config(extra="allow")
class HeaderFacts(TypedDict, total=False):
    """What is read of one session."""

    created: str
    config: ConfigFacts
    hardware: HardwareFacts
    git: GitFacts | None
    versions: dict[str, str]
    threads: int | None
    precision: str | None
    device: str | None
    cells: int | None


@with_config(extra="allow")
class Header(HeaderFacts, total=False):
    """What is read of ``run.json``, which holds the latest session and those before it."""

    earlier: list[HeaderFacts]


@cache
def _adapter() -> TypeAdapter[Header]:
    return TypeAdapter(Header)


def read_header(file: Path) -> Mapping[str, Any]:
    """What a ``run.json`` holds, nothing where it is missing, and ``damaged`` alone, which says why, where it is no
    header.

    Raises:
        UsageError: the file cannot be read, or is of another schema.
    """
    if not os.path.lexists(file):
        return {}
    try:
        header = json.loads(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except (ValueError, RecursionError):
        return _damaged("not JSON")
    if not isinstance(header, dict):
        return _damaged("not a JSON object")
    check_schema(header.get("schema"), SCHEMA, str(file))
    try:
        _adapter().validate_python(header, strict=True)
    except ValidationError as error:
        return _damaged(problem_of(error))
    return header


def set_aside(file: Path) -> None:
    """Keep a damaged header beside the one that takes its place.

    Raises:
        StorageError: it cannot be renamed.
    """
    try:
        os.replace(file, file.with_name(f"{file.name}.damaged"))
    except OSError as error:
        raise StorageError.of(file, error) from None


def _damaged(problem: str) -> Mapping[str, Any]:
    # With its schema, as it is kept among the earlier sessions when the run goes on.
    return {"schema": SCHEMA, "damaged": printable(problem, LONGEST_PROBLEM)}
