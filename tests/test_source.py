"""The hash of a plug-in's source: what is part of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.fusion import FUSIONS
from bench.source import source_hash
from tests.plugins import fusion

Plugin = Callable[..., Path]


def test_source_hash_follows_siblings(plugin: Plugin, tmp_path: Path) -> None:
    helper = plugin("WIDTH = 1", name="helper", load=False)
    deeper = plugin("DEPTH = 1", name="deeper", load=False)
    other = plugin("UNUSED = 1", name="other", load=False)
    helper.write_text("from . import deeper\nWIDTH = 1\n")
    path = plugin("from .helper import WIDTH\n" + fusion())
    cls = FUSIONS.get("mine")
    hashes = [source_hash(cls)]
    assert len(hashes[0]) == 16
    assert source_hash(cls) == hashes[0]
    for changed in (path, helper, deeper):
        changed.write_text(changed.read_text() + "# changed\n")
        hashes.append(source_hash(cls))
    assert len(set(hashes)) == 4
    other.write_text("UNUSED = 2\n")
    assert source_hash(cls) == hashes[-1]


SAID = "TEXT = '''\nfrom .other import WIDTH\nclass\n'''\n"


@pytest.mark.parametrize(
    "line",
    [
        "from.helper import WIDTH",
        "from \\\n    .helper import WIDTH",
        "def late():\n\tfrom\t. import(helper)",
        "from . import (\n# which\nhelper\n)",
        f"from .helper import WIDTH\n{SAID}",
        f"{SAID}class Late:\n    from . import helper",
    ],
)
def test_source_hash_finds_what_is_imported_and_not_what_is_said(plugin: Plugin, line: str) -> None:
    helper, other = (plugin("WIDTH = 1", name=name, load=False) for name in ("helper", "other"))
    plugin(f"{line}\n" + fusion())
    hashes = [source_hash(FUSIONS.get("mine"))]
    for changed in (other, helper):
        changed.write_text("WIDTH = 22\n")
        hashes.append(source_hash(FUSIONS.get("mine")))
    assert hashes[0] == hashes[1] != hashes[2]


def test_source_hash_of_siblings_that_import_each_other(plugin: Plugin) -> None:
    plugin("def late():\n    from .plugin import Mine\n", name="helper", load=False)
    plugin("from . import helper\n" + fusion())
    assert source_hash(FUSIONS.get("mine"))
