"""Registries of all that a user can choose by name: text becomes a class, a settled choice, an object, an identity."""

from __future__ import annotations

import fnmatch
import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from bench.errors import UsageError
from bench.guard import building
from bench.source import source_file, source_hash
from bench.spec import Spec, canonical, check_params, parse_spec
from bench.text import printable, with_home, without_home

T = TypeVar("T")

# What can stand on a command line, in a glob, as a folder and in a table, and is nothing else there.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]{0,63}")
RESERVED = frozenset({"all"})
ALLOWED = "a letter, then up to 63 letters, digits or any of _ . + -, and not the word all"
# Attributes that are told in tables and on cards, where a class has them.
TEXTS = ("family", "paper", "known_failure", "unit")
LONGEST_SHOWN, LONGEST_ERROR, LONGEST_HINT = 60, 500, 100


@dataclass(frozen=True)
class BrokenPlugin:
    """A plug-in file that could not be imported, with the error in one line."""

    path: Path
    error: str

    def __post_init__(self) -> None:
        """What a file of others says is shown as text."""
        object.__setattr__(self, "error", printable(self.error, LONGEST_ERROR))


REGISTRIES: list[Registry[Any]] = []
BROKEN: dict[Path, BrokenPlugin] = {}


class DuplicateNameError(UsageError):
    """Two plug-ins claim one name."""


@dataclass(frozen=True, eq=False)
class Choice(Spec, Generic[T]):
    """A registered name with those parameters that differ from their defaults, settled by its registry.

    It is pickled as its text, and compares and hashes as that.
    """

    registry: Registry[T] = field(kw_only=True, repr=False)

    @cached_property
    def text(self) -> str:
        """The one way to write it."""
        return super().__str__()

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Choice) and (self.registry, self.text) == (other.registry, other.text)

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.registry.kind, self.text)

    @property
    def cls(self) -> type[T]:
        """The class of that name."""
        return self.registry.get(self.name)

    def with_params(self, **params: Any) -> Choice[T]:
        """The same name with some parameters set differently."""
        return self.registry.settle(str(Spec(self.name, {**self.params, **params})))

    def build(self, *given: Any) -> T:
        """An object of the class.

        Args:
            given: what the harness supplies, in the order of the constructor.

        Raises:
            UsageError: an unknown parameter, or a value of another type.
        """
        return self.registry.build(self, *given)

    def identity(self) -> Mapping[str, Any]:
        """What identifies it in a key."""
        return self.registry.identity(self)


def states(kind: str, *attributes: str) -> Callable[[type[Any]], None]:
    """The check that a class of a kind has these attributes and a docstring."""

    def check(cls: type[Any]) -> None:
        for attribute in attributes:
            if not hasattr(cls, attribute):
                raise TypeError(f"{kind} {cls.__name__} does not state {attribute!r}")
        if not (isinstance(cls.__doc__, str) and cls.__doc__.strip()):
            raise TypeError(f"{kind} {cls.__name__} has no docstring; its first line must say what it is")

    return check


def _check_words(kind: str, cls: type[Any]) -> None:
    """Raise ``TypeError`` where the name of a class could not be chosen by, or a text of it is none."""
    name = getattr(cls, "name", None)
    if not isinstance(name, str) or not NAME.fullmatch(name) or name in RESERVED:
        shown = printable(repr(name), LONGEST_SHOWN)
        raise TypeError(f"{kind} {cls.__name__}: the name {shown} is not allowed; expected {ALLOWED}")
    for attribute in TEXTS:
        value = getattr(cls, attribute, "")
        if not isinstance(value, str):
            shown = printable(repr(value), LONGEST_SHOWN)
            raise TypeError(f"{kind} {cls.__name__}: {attribute} must be a text, got {shown}")


def _handed_on(value: Any) -> Any:
    """A parameter as records tell it: a path below the home folder of the user begins with ``~``."""
    short = without_home(value) if isinstance(value, str) else value
    return short if isinstance(short, str) and with_home(short) == value else value


def _unpickled(kind: str, text: str) -> Choice[Any]:
    spec = parse_spec(text)
    return Choice(spec.name, spec.params, registry=next(one for one in REGISTRIES if one.kind == kind))


class Registry(Generic[T]):
    """Classes by name, with where each one came from.

    Args:
        kind: singular noun for messages, such as ``"fusion"``.
        check: called with every class before it is accepted; raises ``TypeError`` when the contract is broken.
        built_in: modules that register classes of this kind and are slow to import; :meth:`load_built_in` imports
            them, and so does the first call that depends on which names there are.
        given: constructor parameters that the harness itself supplies.
        also: parameters that can be written and are not the constructor's.
    """

    def __init__(
        self,
        kind: str,
        check: Callable[[type[T]], None] = lambda cls: None,
        built_in: Iterable[str] = (),
        given: tuple[str, ...] = (),
        also: tuple[str, ...] = (),
    ) -> None:
        self.kind = kind
        self.given = given
        self.also = also
        self._check = check
        self._built_in = tuple(built_in)
        # A plug-in that builds on one built-in class has its module imported before all others.
        self._places = {module: place for place, module in enumerate(self._built_in)}
        self._classes: dict[str, type[T]] = {}
        self._ordered: tuple[tuple[type[T], ...], tuple[type[T], ...]] = (), ()
        REGISTRIES.append(self)

    def register(self, cls: type[T]) -> type[T]:
        """Class decorator that files ``cls`` under ``cls.name``.

        Raises:
            TypeError: the class breaks the contract of its kind, or has a name that could not be told or typed.
            DuplicateNameError: another file already registered the name.
        """
        # Before any other, so that it is the plug-in that is refused where both claim one name. A built-in module that
        # is imported by itself waits for none: another one may be built on it.
        if cls.__module__ not in self._places:
            self.load_built_in()
        self._check(cls)
        _check_words(self.kind, cls)
        name: str = cls.name  # type: ignore[attr-defined]
        known = self._classes.get(name)
        if known is not None and (source_file(known), known.__qualname__) != (source_file(cls), cls.__qualname__):
            raise DuplicateNameError(
                f"two {self.kind}s are named {name!r}: {source_file(known)} and {source_file(cls)}; rename one"
            )
        self._classes[name] = cls
        return cls

    def load_built_in(self) -> None:
        """Import the built-in modules, if that has not been done; they call :meth:`register` in turn."""
        modules, self._built_in = self._built_in, ()
        try:
            for module in modules:
                importlib.import_module(module)
        except BaseException:
            self._built_in = modules  # Ctrl-C meanwhile, in a program that goes on
            raise

    def __iter__(self) -> Iterator[str]:
        self.load_built_in()
        return iter(sorted(self._classes))

    def __contains__(self, name: object) -> bool:
        self.load_built_in()
        return name in self._classes

    @property
    def classes(self) -> tuple[type[T], ...]:
        """All classes: the built-in ones in the order of their modules, then the others as they were registered."""
        self.load_built_in()
        registered = tuple(self._classes.values())
        # Asked for once for each number of a table, and hardly ever another.
        if self._ordered[0] != registered:
            last = len(self._places)
            ordered = sorted(registered, key=lambda cls: self._places.get(cls.__module__, last))
            self._ordered = registered, tuple(ordered)
        return self._ordered[1]

    def get(self, name: str) -> type[T]:
        """Return the class called ``name``; an unknown name raises ``UsageError`` with the nearest matches."""
        self.load_built_in()
        try:
            return self._classes[name]
        except KeyError:
            raise UsageError(self._unknown(name)) from None

    def match(self, pattern: str) -> list[str]:
        """Names that match ``all``, a glob or one exact name, sorted.

        Raises:
            UsageError: nothing matches.
        """
        if pattern == "all":
            return list(self)
        found = fnmatch.filter(self, pattern)
        if not found:
            raise UsageError(self._unknown(pattern))
        return found

    def settle(self, text: str) -> Choice[T]:
        """The choice that ``name``, ``name:param=value`` or ``name:value`` stands for.

        Raises:
            UsageError: an unknown name or parameter, or a value of another type.
        """
        spec = parse_spec(text)
        cls = self.get(spec.name)
        params = dict(canonical(spec, cls, given=self.given).params)
        own = {key: value for key, value in params.items() if key not in self.also}
        if own:
            params |= check_params(cls, own, given=self.given, where=f"{self.kind} {text}")
        params = {key: _handed_on(value) for key, value in params.items()}
        # Read from its text again, for that is how it travels, and both must be identified alike.
        settled = parse_spec(str(canonical(Spec(spec.name, params), cls, given=self.given)))
        return Choice(settled.name, settled.params, registry=self)

    def resolve(self, patterns: Iterable[str]) -> list[Choice[T]]:
        """The choices that names, globs and ``all`` stand for, each with its parameters, without repeats.

        A pattern leaves out what needs files of the user.
        """
        found: dict[Choice[T], None] = {}
        for pattern in patterns:
            spec = parse_spec(pattern)
            for name in self.match(spec.name):
                if name == spec.name or not getattr(self.get(name), "needs_files", False):
                    found[self.settle(str(Spec(name, spec.params)))] = None
        return list(found)

    def build(self, choice: Choice[T], *given: Any) -> T:
        """What :meth:`Choice.build` returns."""
        where = f"{self.kind} {choice}"
        params = check_params(choice.cls, choice.meant, given=self.given, where=where)
        with building(choice.cls, where):
            return choice.cls(*given, **params)

    def identity(self, choice: Choice[T]) -> Mapping[str, Any]:
        """What identifies a choice in a key: name, parameters, and the hash of its source."""
        return {"name": choice.name, "params": choice.meant, "source": source_hash(choice.cls)}

    def forget_unloaded(self) -> None:
        """Drop what modules registered that then failed to import."""
        self._classes = {name: cls for name, cls in self._classes.items() if cls.__module__ in sys.modules}

    def _unknown(self, name: str) -> str:
        near = self._near(name)
        meant = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(self) or 'none'}"
        broken = [f"{plugin.path.name} ({plugin.error})" for plugin in BROKEN.values()]
        failed = f"plug-ins that failed to load: {', '.join(broken)}"
        own = failed if broken else "one of your own comes with --include FILE"
        # Behind a long list of names nobody reads on.
        hints = sorted([meant, own], key=lambda hint: len(hint) > LONGEST_HINT)
        return f"unknown {self.kind} {name!r}: {'; '.join(hints)}"

    def _near(self, name: str) -> list[str]:
        """Names that may be meant, the likeliest first."""
        return get_close_matches(name, self._classes, n=3, cutoff=0.5)
