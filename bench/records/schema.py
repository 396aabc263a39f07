"""Schema numbers: what tells a program whether it can read a file."""

from __future__ import annotations

from bench.errors import LONGEST_VALUE, UsageError
from bench.text import printable


class SchemaError(UsageError):
    """What was read is of another schema, or was not written by this program at all."""


def check_schema(number: object, known: int, where: str) -> None:
    """Refuse a file of another schema than the ``known`` one. There has been no other so far, so nothing is migrated.

    Args:
        number: as it stands in the file; None where there is none.
        where: start of the message.

    Raises:
        SchemaError: there is no number, a newer one, or one that never was.
    """
    shown = printable(repr(number), LONGEST_VALUE)
    if not isinstance(number, int) or isinstance(number, bool):
        what = "no schema number" if number is None else f"schema {shown} is not a whole number"
        raise SchemaError(f"{where}: {what}, so it was not written by fusebench")
    if number > known:
        raise SchemaError(f"{where}: schema {shown} is newer than this version of fusebench reads ({known}); update it")
    if number < known:
        raise SchemaError(f"{where}: unknown schema {shown}; this version of fusebench reads {known}")
