"""Files that ``--config`` names: YAML, a built-in configuration by its name, or the ``run.json`` of an earlier run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.errors import LONGEST_NAME, UsageError
from bench.records.record import SCHEMA
from bench.records.schema import check_schema
from bench.sweep.config_values import split_names
from bench.text import printable
from bench.yaml12 import read_yaml
from bench.zoo import built_in_folder

# Bytes. A header grows with every time its run was gone on with.
MOST_YAML, MOST_JSON = 1_000_000, 50_000_000
HEADER = "run.json"


def read_config(file: Path) -> dict[str, Any]:
    """The keys and values of a file. Of a ``run.json`` they are those of the configuration that it holds, without
    ``store`` and ``jobs``, unless that was 0: where a run was sent and how many cells ran at a time are facts of the
    machine.

    Where ``file`` does not exist, it may be the name of a built-in configuration, such as ``quick``. Plug-ins that it
    includes may lie beside it.

    Raises:
        UsageError: the file is missing, cannot be read or holds no keys and values.
    """
    where = f"--config {named(file)}"
    try:
        found = _find(file, where)
        is_json = found.suffix == ".json"
        with found.open("rb") as opened:
            # Not as long as the file says that it is: that of a device has no end.
            content = opened.read((MOST_JSON if is_json else MOST_YAML) + 1)
    except OSError as error:
        raise UsageError(f"{where}: {error.strerror}") from None
    if len(content) > (MOST_JSON if is_json else MOST_YAML):
        raise UsageError(f"{where}: larger than {(MOST_JSON if is_json else MOST_YAML) // 10**6} MB")
    try:
        text = content.decode("utf-8-sig")
        read = _read_json(text) if is_json else read_yaml(text)
    except (ValueError, RecursionError) as error:
        reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else printable(str(error), LONGEST_NAME)
        raise UsageError(f"{where}: not readable as {'JSON' if is_json else 'YAML'} ({reason})") from None
    if not isinstance(read, dict):
        raise UsageError(f"{where}: expected keys and values, such as 'fusion: all'")
    if {"schema", "config"} <= read.keys():
        return _stored(read, where)
    return read | ({"include": _beside(found, read["include"])} if read.get("include") else {})


def named(file: Path) -> str:
    """A file as messages name it."""
    return printable(str(file), LONGEST_NAME).replace("\n", "\\n").replace("\t", "\\t")


def _find(file: Path, where: str) -> Path:
    if "\0" in str(file):
        raise UsageError(f"{where}: no file can have a name with a NUL byte")
    if os.path.lexists(file) and not file.is_dir():
        return file
    folder = built_in_folder("configs")
    built_in = {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob("*.yaml")}
    if str(file) in built_in:
        return built_in[str(file)]
    if file.is_dir():
        hint = f"; did you mean {named(file / HEADER)}?" if (file / HEADER).is_file() else ""
        raise UsageError(f"{where}: is a folder{hint or '; expected a file'}")
    raise UsageError(f"{where}: no such file; built-in configurations: {', '.join(sorted(built_in))}")


def _beside(file: Path, include: Any) -> Any:
    """Plug-ins that are not found from where the command runs, but are beside the file, by their path there."""
    try:
        names = split_names(include)
    except ValueError:
        # Whoever checks the configuration says what is wrong, and of which file.
        return include
    if not isinstance(names, tuple):
        return include
    return [one if os.path.lexists(one) else _from_here(file.parent / one) or one for one in names]


def _from_here(file: Path) -> str:
    """The path of a file, short where it lies below the working directory; empty where it does not exist."""
    if not os.path.lexists(file):
        return ""
    here = Path.cwd()
    return str(file.absolute().relative_to(here) if file.absolute().is_relative_to(here) else file)


def _read_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key!r} is given twice")
        found[key] = value
    return found


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _stored(header: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The configuration in the header of a run."""
    check_schema(header["schema"], SCHEMA, where)
    config = header["config"]
    if not isinstance(config, dict):
        raise UsageError(f"{where}: its config holds no keys and values")
    return as_asked(config)


def as_asked(config: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody would give to get a configuration that a header holds, with all its fields, on another machine."""
    is_inline = config.get("jobs") == 0 and config.get("executor") == "local"
    unused = {"store", "seed" if config.get("replicates") else "replicates", *([] if is_inline else ["jobs"])}
    return {key: value for key, value in config.items() if key not in unused}
