"""Source files of classes: the part of a key that changes when the code of a plug-in changes."""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
from functools import lru_cache
from pathlib import Path

# What every relative import has, and what a statement of its own begins with behind the imports of most files.
RELATIVE = re.compile(rb"\bfrom[\s\\]*\.")
DEFINITION = re.compile(rb"^(?:class|def|@)", re.MULTILINE)


def source_file(cls: type) -> Path:
    """The file that defines ``cls``."""
    return Path(inspect.getfile(cls)).resolve()


def source_hash(cls: type) -> str:
    """SHA-256 over the file that defines ``cls`` and every sibling it imports relatively, as 16 hex digits.

    This is the part of a record's key that changes when the code of a plug-in changes.
    """
    digest = hashlib.sha256()
    for path in sorted(with_siblings(source_file(cls))):
        digest.update(_read_source(path, *_stamp(path))[0])
    return digest.hexdigest()[:16]


def with_siblings(path: Path) -> set[Path]:
    """A Python file and every sibling that it imports relatively, directly or through another one."""
    return _with_siblings(path, set())


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
    for node in ast.walk(_parsed_imports(content)):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names += [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
    return content, tuple(names)


def _parsed_imports(content: bytes) -> ast.Module:
    """A Python file as far as it imports relatively: to parse all of it takes most of the time that keys take."""
    ends = [found.end() for found in RELATIVE.finditer(content)]
    behind = DEFINITION.search(content, ends[-1]) if ends else None
    try:
        return ast.parse(content[: behind.start()] if behind else content if ends else b"")
    except SyntaxError:
        return ast.parse(content)  # cut within a text or a block
