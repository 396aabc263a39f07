"""YAML as its version 1.2 reads it, in the part that a configuration needs: lists and mappings of texts, numbers, true,
false and null.

Only the parser is PyYAML's. What words mean to the rest of it is of version 1.1, where ``no`` is false, ``010`` is 8,
``1:30`` is 90 and ``1e-3`` a text; and aliases make gigabytes of a few lines. So nothing here has a tag or an alias.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import yaml

MOST_DEPTH = 16
LONGEST_NUMBER = 100  # characters; longer ones, which Python refuses at some length, stay text
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{f"{sign}.{word}": float(f"{sign}inf") for sign in ("", "+", "-") for word in ("inf", "Inf", "INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
# The parser in C reads the same, thirty times as fast; PyYAML can be built without it.
PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def scalar(text: str) -> Any:
    """What a word without quotes stands for: None, a boolean, a number or itself."""
    if text in WORDS:
        return WORDS[text]
    if len(text) <= LONGEST_NUMBER:
        if INTEGER.fullmatch(text):
            return int(text, 0 if text[:2] in ("0o", "0x") else 10)
        if FLOAT.fullmatch(text):
            return float(text)
    return text


def read_yaml(text: str) -> Any:
    """The one document in ``text``; nothing where it is empty.

    Raises:
        ValueError: it is not YAML, or uses what is not read here; the message is one line and says where.
    """
    try:
        events = yaml.parse(text, Loader=PARSER)
        next(events)  # the stream
        if isinstance(next(events), yaml.StreamEndEvent):
            return None
        content = _value(events, next(events))
        next(events)  # the end of the document
        after = next(events)
    except yaml.MarkedYAMLError as error:
        raise _refusal(error.problem_mark, error.problem or "not YAML") from None
    except (yaml.YAMLError, OverflowError, UnicodeEncodeError):
        # Some of them quote, or are about, what cannot be printed.
        raise ValueError("it has characters that are not allowed in YAML") from None
    if not isinstance(after, yaml.StreamEndEvent):
        raise _refusal(after.start_mark, "a second document; expected one")
    return content


def _value(events: Iterator[Any], event: Any, depth: int = 0) -> Any:
    """The node that ``event`` begins; takes from ``events`` up to its end."""
    if isinstance(event, yaml.AliasEvent):
        raise _refusal(event.start_mark, f"*{event.anchor} is an alias, which is not read; write text in quotes")
    if event.tag is not None:
        raise _refusal(event.start_mark, f"{event.tag} is a tag, which is not read; write text in quotes")
    if isinstance(event, yaml.ScalarEvent):
        return scalar(event.value) if event.implicit[0] else event.value
    if depth == MOST_DEPTH:
        raise _refusal(event.start_mark, f"nested more than {MOST_DEPTH} deep")
    if isinstance(event, yaml.SequenceStartEvent):
        return [_value(events, one, depth + 1) for one in _until(yaml.SequenceEndEvent, events)]
    found: dict[str, Any] = {}
    for start in _until(yaml.MappingEndEvent, events):
        key = _value(events, start, depth + 1)
        if not isinstance(key, str):
            raise _refusal(start.start_mark, f"key {key!r} is not text")
        if key in found:
            raise _refusal(start.start_mark, f"key {key!r} is given twice")
        found[key] = _value(events, next(events), depth + 1)
    return found


def _until(end: type, events: Iterator[Any]) -> Iterator[Any]:
    return takewhile(lambda event: not isinstance(event, end), events)


def _refusal(mark: Any, problem: str) -> ValueError:
    return ValueError(f"line {mark.line + 1}: {problem}" if mark else problem)
