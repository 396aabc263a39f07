"""Discovery of the plug-ins that fill the registries.

Plug-ins are plain files. The built-in folders ``fusions/`` and ``datasets/``, a user's ``--include PATH`` and the entry
points of other distributions are loaded the same way: under private module names, never through ``sys.path``, so that
no plug-in folder can shadow an installed package. A plug-in that fails to import is reported and the others go on.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from bench.errors import LONGEST_LINE, UsageError, in_a_line
from bench.guard import BUILT_IN_FOLDERS, PLUGIN_NAMESPACE, EndsTheProgramError, running
from bench.printed import printing_little
from bench.registry import BROKEN, REGISTRIES, BrokenPlugin, DuplicateNameError
from bench.text import printable

ENTRY_POINT_GROUP = "fusebench.plugins"

_loaded_entry_points: set[str] = set()
_included: set[Path] = set()


def broken_plugins() -> list[BrokenPlugin]:
    """The plug-ins that failed to load in this process."""
    return list(BROKEN.values())


def is_included(path: Path) -> bool:
    """Whether a file is a plug-in of the user, or lies beside one."""
    return path.parent in _included


def load(include: Iterable[Path | str] = (), built_in: Iterable[str] = BUILT_IN_FOLDERS) -> None:
    """Load the built-in plug-ins, those of installed distributions and those at ``include`` (files or folders).

    Loading twice is free: a file that is already loaded is not executed again.

    Args:
        built_in: folders of built-in plug-ins, where not all of them are needed.

    Raises:
        UsageError: a path in ``include`` does not exist or is no Python file.
        DuplicateNameError: two plug-ins claim one name.
    """
    load_built_in(built_in)
    _load_entry_points()
    for path in map(Path, include):
        try:
            with printing_little():
                _load_included(path.expanduser().resolve(), given=path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(printable(f"--include {path}: {reason}", LONGEST_LINE)) from None


def load_built_in(folders: Iterable[str] = BUILT_IN_FOLDERS) -> None:
    """Load the built-in plug-ins, and no code of others."""
    for folder in folders:
        _load_folder(built_in_folder(folder), folder)


def built_in_folder(name: str) -> Path:
    """Folder of built-in plug-ins: beside ``bench/`` in a checkout, inside it in an installed wheel."""
    package = Path(__file__).resolve().parent
    inside = package / "_plugins" / name
    return inside if inside.is_dir() else package.parent / name


def _load_included(path: Path, given: Path) -> None:
    folder = path if path.is_dir() else path.parent
    _included.add(folder)
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
    name = f"{package}.{path.stem}"
    if "." in path.stem:
        BROKEN[path] = BrokenPlugin(path, "Python imports no file with a dot in its name but that of .py; rename it")
        return
    if name in sys.modules:
        BROKEN.pop(path, None)
        return
    try:
        with running(f"plug-in {path}") if is_included(path) else nullcontext():
            importlib.import_module(name)
    except Exception as error:
        for registry in REGISTRIES:
            registry.forget_unloaded()
        if isinstance(error, DuplicateNameError):
            raise
        BROKEN[path] = BrokenPlugin(path, _words(error))
    else:
        BROKEN.pop(path, None)


def _load_entry_points() -> None:
    for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        if entry.value in _loaded_entry_points:
            continue
        _loaded_entry_points.add(entry.value)
        try:
            with printing_little(), running(f"plug-in {entry.name} = {entry.value}"):
                entry.load()
        except DuplicateNameError:
            raise
        except Exception as error:
            path = Path(f"{entry.name} = {entry.value}")
            BROKEN[path] = BrokenPlugin(path, _words(error))


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, EndsTheProgramError) else in_a_line(error)


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
