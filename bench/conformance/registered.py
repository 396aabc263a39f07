"""What whatever is registered must do: say what it is, take parameters, and travel as text."""

from __future__ import annotations

import inspect
import pickle
from typing import Any, get_type_hints

from bench.conformance.cases import CheckFailedError
from bench.errors import UsageError
from bench.registry import Choice
from bench.spec import Spec, check_params


def described(choice: Choice[Any]) -> None:
    """The docstring begins with a sentence or formula of its own, which lists and cards show."""
    text = vars(choice.cls).get("__doc__") or ""
    first = inspect.cleandoc(text).split("\n\n")[0]
    if not first:
        raise CheckFailedError("the class has no docstring of its own: its first line must say what it is")
    if not first.endswith((".", "?")) and "``" not in first:
        raise CheckFailedError(f"the first paragraph of the docstring does not end with a full stop: {first[-40:]!r}")


def parameters(choice: Choice[Any]) -> None:
    """Constructor parameters that a user sets have a type and a default of that type, so that YAML can set them."""
    cls, given = choice.cls, choice.registry.given
    hints = get_type_hints(cls.__init__)
    own = _own_parameters(choice)
    for parameter in own:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise CheckFailedError(
                f"the constructor takes {parameter}: name every parameter, with its type and default"
            )
        if parameter.name not in hints:
            raise CheckFailedError(
                f"parameter {parameter.name!r} has no type: write it as '{parameter.name}: int = ...'"
            )
        if parameter.default is parameter.empty:
            raise CheckFailedError(
                f"parameter {parameter.name!r} has no default: every {choice.registry.kind} must build without options"
            )
    try:
        check_params(cls, {p.name: p.default for p in own}, given=given)
    except UsageError as error:
        raise CheckFailedError(f"a default does not have the type that is declared for it: {error}") from None


def text(choice: Choice[Any]) -> None:
    """It is the same after being written as text or pickled, with its defaults and with each parameter changed."""
    variants = [str(choice)]
    for parameter in _own_parameters(choice):
        if isinstance(parameter.default, bool):
            variants.append(str(Spec(choice.name, {parameter.name: not parameter.default})))
        elif isinstance(parameter.default, int | float):
            variants.append(str(Spec(choice.name, {parameter.name: parameter.default + 1})))
    for variant in variants:
        settled = choice.registry.settle(variant)
        for way, copy in (
            ("written and read again", choice.registry.settle(str(settled))),
            ("pickled", pickle.loads(pickle.dumps(settled))),
        ):
            if copy != settled or dict(copy.params) != dict(settled.params):
                raise CheckFailedError(f"{settled} is {copy} once {way}")


def _own_parameters(choice: Choice[Any]) -> list[inspect.Parameter]:
    """Those of the constructor but for what the harness supplies."""
    given = choice.registry.given
    return [one for name, one in inspect.signature(choice.cls).parameters.items() if name not in given]
