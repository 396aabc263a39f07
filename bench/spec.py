"""Names with parameters as written on a command line or in YAML: ``low_rank_bilinear:rank=4``, ``folder:photos/``."""

from __future__ import annotations

import inspect
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from bench.errors import UsageError
from bench.text import UNPRINTABLE, printable, with_home
from bench.yaml12 import scalar

# Key of the value that stands right after the name, without a parameter: the first one is meant.
FIRST = ""
LONGEST = 5_000  # characters of a name with its parameters; no path has more
LONGEST_SHOWN = 100
LARGEST_WHOLE = 1_000_000  # as a size of anything it is more than a machine holds
# Numbers that always were ones here. 1e-3 and the like stay text: they may be names of folders, and keys hold them so.
DECIMAL = re.compile(
    r"[-+]?[0-9]+\.[0-9]*([eE][-+][0-9]+)?|\.[0-9]+([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


@dataclass(frozen=True)
class Spec:
    """A registered name with the parameters that differ from their defaults."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = (f"{key}={_plain(value)}" if key else _plain(value) for key, value in sorted(self.params.items()))
        return ":".join([self.name, *parts])

    @property
    def meant(self) -> dict[str, Any]:
        """The parameters as a constructor is given them: with the home folder of the user for ``~``."""
        return {key: with_home(value) if isinstance(value, str) else value for key, value in self.params.items()}


def parse_spec(text: str) -> Spec:
    """Read ``name:param=value:param=value``; values are YAML scalars. In ``name:value`` the first parameter is meant,
    and ``timm:NAME`` keeps its colon as part of the name.

    Raises:
        UsageError: there is no name, a part after it is not ``param=value``, a parameter is given twice, or the text is
            too long or cannot be printed.
    """
    text = text.strip()
    if problem := why_unfit(text):
        raise UsageError(f"{_shown(text)}: {problem}")
    name, *parts = text.split(":")
    if name == "timm" and parts and "=" not in parts[0]:
        name = f"timm:{parts.pop(0)}"
    if not name.strip():
        raise UsageError(f"{_shown(text)}: expected name:param=value, got no name")
    params: dict[str, Any] = {}
    for number, part in enumerate(parts):
        key, sign, value = part.partition("=")
        key = key.strip()
        if not sign and part and number == 0:
            key, value = FIRST, part
        elif not part:
            raise UsageError(f"{_shown(text)}: nothing after a colon; expected name:param=value")
        elif not sign or not key:
            hint = "; a value holds no colon, so give such a path by a link to it" if number else ""
            raise UsageError(f"{_shown(text)}: expected name:param=value, got {_shown(part)}{hint}")
        if key in params:
            raise UsageError(f"{_shown(text)}: {_shown(key)} is given twice")
        params[key] = _scalar(value)
    return Spec(name, params)


def why_unfit(text: str) -> str:
    """Why a text cannot be part of a configuration, as no record or table could hold it; empty where it can."""
    if len(text) > LONGEST:
        return f"{len(text):,} characters; expected at most {LONGEST:,}"
    if UNPRINTABLE.search(text) or "\n" in text or "\t" in text:
        return "expected one line of UTF-8 that can be printed"
    return ""


def _shown(text: str) -> str:
    """In quotes, with what cannot be printed as escapes, and not too much of it."""
    return printable(repr(text), LONGEST_SHOWN)


def _scalar(text: str) -> Any:
    """A number, true or false; what would be written otherwise, such as ``007`` or ``1e3``, stays text."""
    text = text.strip()
    value = scalar(text)
    if isinstance(value, float):
        return value if DECIMAL.fullmatch(text) else text  # 1.0e-3 is written 0.001, and the same
    return value if _plain(value) == text else text


def canonical(spec: Spec, cls: type, *, given: tuple[str, ...] = ()) -> Spec:
    """The one way to write ``spec``: a value right after the name under the name of the first parameter of ``cls``, and
    no parameter that has its default.

    Args:
        given: constructor parameters that the harness itself supplies.
    """
    parameters = {name: p for name, p in inspect.signature(cls).parameters.items() if name not in ("self", *given)}
    params = dict(spec.params)
    if FIRST in params:
        if not parameters:
            raise UsageError(f"{spec.name}:{params[FIRST]}: {spec.name} takes no parameters")
        first = next(iter(parameters))
        if first in params:
            raise UsageError(f"{spec}: {first} is given twice")
        params = {first: params.pop(FIRST), **params}
    return Spec(
        spec.name,
        {key: value for key, value in params.items() if key not in parameters or parameters[key].default != value},
    )


def shifted(domain: str, shift: str) -> str:
    """Name with parameters of a domain under a shift."""
    spec = parse_spec(domain)
    return str(Spec(spec.name, {**spec.params, "shift": shift}))


def shift_of(domain: str) -> tuple[str, str]:
    """Source and shift of a domain's name with parameters; the shift is empty where it has none."""
    spec = parse_spec(domain)
    source = {key: value for key, value in spec.params.items() if key != "shift"}
    return str(Spec(spec.name, source)), str(spec.params.get("shift", ""))


def check_params(
    cls: type, params: Mapping[str, Any], *, given: tuple[str, ...] = (), where: str = ""
) -> dict[str, Any]:
    """Check ``params`` against the typed keyword parameters of ``cls.__init__`` and convert them.

    Args:
        given: constructor parameters that the harness itself supplies.
        where: the user's text, for the message.

    Raises:
        UsageError: an unknown parameter, or a value of another type.
    """
    signature = inspect.signature(cls)
    hints = get_type_hints(cls.__init__)  # type: ignore[misc]
    settable = {name: hints.get(name, str) for name in signature.parameters if name not in ("self", *given)}
    checked = {}
    for key, value in params.items():
        if key not in settable:
            allowed = ", ".join(settable) or "none"
            raise UsageError(f"{where or cls.__name__}: unknown parameter {key!r}; allowed: {allowed}")
        joined = [name for name in re.findall(r",(\w+)=", str(value)) if name in settable]
        if joined and not os.path.exists(str(value)):
            raise UsageError(f"{where or cls.__name__}: {key}: parameters are separated by colons, as in :{joined[0]}=")
        checked[key] = _convert(value, settable[key], f"{where or cls.__name__}: {key}")
    return checked


def _convert(value: Any, kind: type, where: str) -> Any:
    if kind is float:
        try:
            if isinstance(value, bool):
                raise TypeError
            # 1e-3 and the like may have stayed text.
            number = float(value)
        except (TypeError, ValueError):
            raise UsageError(f"{where} must be float, got {value!r}") from None
        if not math.isfinite(number):
            raise UsageError(f"{where} must be a finite number, got {number}")
        return number
    if kind is str and not isinstance(value, str):
        return str(value)
    if kind in (bool, int) and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise UsageError(f"{where} must be {kind.__name__}, got {value!r}")
    if kind is int and abs(value) > LARGEST_WHOLE:
        raise UsageError(f"{where} must be int of at most {LARGEST_WHOLE:,}, got {_shown(str(value))}")
    return value


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
