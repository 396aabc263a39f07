"""Registries of fusions, backbones and domains, and the discovery of the plug-ins that fill them.

Plug-ins are plain files. The built-in folders ``fusions/`` and ``datasets/``, a user's ``--include PATH`` and the entry
points of other distributions are loaded the same way: under private module names, never through ``sys.path``, so that
no plug-in folder can shadow an installed package. A plug-in that fails to import is reported and the others go on.
"""

from __future__ import annotations

import ast
import fnmatch
import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from bench.errors import UsageError

PLUGIN_NAMESPACE = "_fusebench_plugins"
ENTRY_POINT_GROUP = "fusebench.plugins"
BUILT_IN_FOLDERS = ("fusions", "datasets")

T = TypeVar("T")


class DuplicateNameError(UsageError):
    """Two plug-ins claim one name."""


class Registry(Generic[T]):
    """Classes by name, with where each one came from.

    Args:
        kind: singular noun for messages, such as ``"fusion"``.
        check: called with every class before it is accepted; raises ``TypeError`` when the contract is broken.
        built_in: modules that register classes of this kind and are slow to import; :meth:`load_built_in` imports
            them, and so does the first call that depends on which names there are.
    """

    def __init__(
        self, kind: str, check: Callable[[type[T]], None] = lambda cls: None, built_in: Iterable[str] = ()
    ) -> None:
        self.kind = kind
        self._check = check
        self._built_in = tuple(built_in)
        self._classes: dict[str, type[T]] = {}
        _REGISTRIES.append(self)

    def register(self, cls: type[T]) -> type[T]:
        """Class decorator that files ``cls`` under ``cls.name``.

        Raises:
            TypeError: the class breaks the contract of its kind.
            DuplicateNameError: another file already registered the name.
        """
        # Before any other, so that it is the plug-in that is refused where both claim one name.
        self.load_built_in()
        self._check(cls)
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
        for module in modules:
            importlib.import_module(module)

    def __iter__(self) -> Iterator[str]:
        self.load_built_in()
        return iter(sorted(self._classes))

    def __contains__(self, name: object) -> bool:
        self.load_built_in()
        return name in self._classes

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

    def forget_unloaded(self) -> None:
        """Drop what modules registered that then failed to import."""
        self._classes = {name: cls for name, cls in self._classes.items() if cls.__module__ in sys.modules}

    def _unknown(self, name: str) -> str:
        near = get_close_matches(name, self._classes, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(self) or 'none'}"
        broken = [f"{plugin.path.name} ({plugin.error})" for plugin in broken_plugins()]
        note = f"; plug-ins that failed to load: {', '.join(broken)}" if broken else ""
        return f"unknown {self.kind} {name!r}: {hint}{note}"


@dataclass(frozen=True)
class BrokenPlugin:
    """A plug-in file that could not be imported, with the error in one line."""

    path: Path
    error: str


_REGISTRIES: list[Registry[Any]] = []
_broken: dict[Path, BrokenPlugin] = {}
_loaded_entry_points: set[str] = set()


def broken_plugins() -> list[BrokenPlugin]:
    """The plug-ins that failed to load in this process."""
    return list(_broken.values())


def load(include: Iterable[Path | str] = (), built_in: Iterable[str] = BUILT_IN_FOLDERS) -> None:
    """Load the built-in plug-ins, those of installed distributions and those at ``include`` (files or folders).

    Loading twice is free: a file that is already loaded is not executed again.

    Args:
        built_in: folders of built-in plug-ins, where not all of them are needed.

    Raises:
        UsageError: a path in ``include`` does not exist or is no Python file.
        DuplicateNameError: two plug-ins claim one name.
    """
    for folder in built_in:
        _load_folder(built_in_folder(folder), folder)
    _load_entry_points()
    for path in map(Path, include):
        _load_included(path.resolve(), given=path)


def built_in_folder(name: str) -> Path:
    """Folder of built-in plug-ins: beside ``bench/`` in a checkout, inside it in an installed wheel."""
    package = Path(__file__).resolve().parent
    inside = package / "_plugins" / name
    return inside if inside.is_dir() else package.parent / name


def source_file(cls: type) -> Path:
    """The file that defines ``cls``."""
    return Path(inspect.getfile(cls)).resolve()


def source_hash(cls: type) -> str:
    """SHA-256 over the file that defines ``cls`` and every sibling it imports relatively, as 16 hex digits.

    This is the part of a record's key that changes when the code of a plug-in changes.
    """
    digest = hashlib.sha256()
    for path in sorted(_with_siblings(source_file(cls), set())):
        digest.update(_read_source(path, *_stamp(path))[0])
    return digest.hexdigest()[:16]


def _with_siblings(path: Path, seen: set[Path]) -> set[Path]:
    if path in seen or not path.is_file():
        return seen
    seen.add(path)
    for name in _read_source(path, *_stamp(path))[1]:
        _with_siblings(path.parent / f"{name}.py", seen)
    return seen


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=1024)
def _read_source(path: Path, modified: int, size: int) -> tuple[bytes, tuple[str, ...]]:
    """Content of a Python file and the siblings it imports relatively; a changed file is a new entry of the cache."""
    content = path.read_bytes()
    names: list[str] = []
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names += [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
    return content, tuple(names)


def _load_included(path: Path, given: Path) -> None:
    folder = path if path.is_dir() else path.parent
    tag = f"include_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    if path.is_dir():
        _load_folder(path, tag)
    elif path.suffix == ".py" and path.is_file():
        _load_file(path, _package(folder, tag))
    else:
        raise UsageError(f"--include {given}: expected a Python file or a folder of them, found neither")


def _load_folder(folder: Path, tag: str) -> None:
    package = _package(folder, tag)
    for path in sorted(folder.glob("[!_.]*.py")):
        _load_file(path, package)


def _load_file(path: Path, package: str) -> None:
    try:
        importlib.import_module(f"{package}.{path.stem}")
    except Exception as error:
        for registry in _REGISTRIES:
            registry.forget_unloaded()
        if isinstance(error, DuplicateNameError):
            raise
        _broken[path] = BrokenPlugin(path, _one_line(error))
    else:
        _broken.pop(path, None)


def _one_line(error: Exception) -> str:
    first = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {first}"


def _load_entry_points() -> None:
    for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        if entry.value in _loaded_entry_points:
            continue
        _loaded_entry_points.add(entry.value)
        try:
            entry.load()
        except DuplicateNameError:
            raise
        except Exception as error:
            path = Path(f"{entry.name} = {entry.value}")
            _broken[path] = BrokenPlugin(path, _one_line(error))


def _package(folder: Path, tag: str) -> str:
    """Make ``folder`` importable as a private package, so that siblings can import each other relatively."""
    _namespace(PLUGIN_NAMESPACE, [])
    name = f"{PLUGIN_NAMESPACE}.{tag}"
    _namespace(name, [str(folder)])
    return name


def _namespace(name: str, locations: list[str]) -> ModuleType:
    if name not in sys.modules:
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = locations
        sys.modules[name] = importlib.util.module_from_spec(spec)
    return sys.modules[name]
