"""What can be chosen by name, and how a choice is written."""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import zoo
from bench.errors import UsageError
from bench.fusion import FUSIONS, FeatureSpec, Fusion
from bench.registry import REGISTRIES
from tests.plugins import broken, fusion

Plugin = Callable[..., Path]


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown fusion 'concta': did you mean concat\b"):
        FUSIONS.get("concta")
    with pytest.raises(UsageError, match="unknown fusion 'hadamrd': did you mean hadamard"):
        FUSIONS.match("hadamrd")


def test_a_name_unlike_any_other_lists_them_all() -> None:
    with pytest.raises(
        UsageError, match=r": one of your own comes with --include FILE; known: abs_diff, .*two_channel"
    ):
        FUSIONS.get("zzz")


def test_match_takes_all_a_glob_or_a_name() -> None:
    assert FUSIONS.match("all") == sorted(FUSIONS)
    assert FUSIONS.match("concat*") == ["concat", "concat_linear"]
    assert FUSIONS.match("concat") == ["concat"]
    with pytest.raises(UsageError):
        FUSIONS.match("zzz*")


NAMES = [
    "",
    "all",
    "a:b=1",
    "a,b",
    "a b",
    "a\n",
    "*",
    "a[b]",
    "=cmd()",
    "-x",
    "../x",
    "\x1b[31m",
    "\ud800",
    "a" * 65,
    7,
    None,
]


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_a_name_that_could_not_be_typed_or_told_breaks_its_own_file_alone(plugin: Plugin, name: object) -> None:
    body = fusion().replace('"mine"', repr(name))
    path = plugin(body, load=False)
    before = list(FUSIONS)
    zoo.load([path])
    assert "TypeError: fusion Mine: the name " in (broken(path) or "")
    assert "expected a letter, then up to 63" in (broken(path) or "")
    assert (broken(path) or "").isprintable()
    assert list(FUSIONS) == before
    assert len(FUSIONS.resolve(["*"])) == len(before)


def test_texts_of_a_class_are_texts(plugin: Plugin) -> None:
    path = plugin(fusion().replace('"none"', "['A', 2020]"), load=False)
    zoo.load([path])
    assert broken(path) == "TypeError: fusion Mine: paper must be a text, got ['A', 2020]"


def test_a_path_below_the_home_folder_is_told_with_a_tilde_and_found(
    plugin: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key is that of the whole path, whichever way it is written."""
    monkeypatch.setenv("HOME", str(tmp_path))
    plugin(fusion().replace("spec: FeatureSpec)", "spec: FeatureSpec, path: str = '')"))
    written = [FUSIONS.settle(f"mine:{tmp_path}/my photos"), FUSIONS.settle("mine:path=~/my photos")]
    assert {str(choice) for choice in written} == {"mine:path=~/my photos"}
    for choice in (*written, pickle.loads(pickle.dumps(written[0]))):
        assert choice.meant == choice.identity()["params"] == {"path": f"{tmp_path}/my photos"}


def test_registering_by_hand_checks_the_contract(registries: None) -> None:
    class Nameless(Fusion):
        """No name."""

        def __init__(self, spec: FeatureSpec) -> None:
            super().__init__(spec.dim)

    with pytest.raises(TypeError, match="Nameless does not state 'name'"):
        FUSIONS.register(Nameless)


def test_a_built_in_module_can_be_imported_before_one_that_is_built_on_it(registries, tmp_path, monkeypatch):
    (tmp_path / "toys.py").write_text(
        "from bench.registry import REGISTRIES, Registry\nTOYS = Registry('toy', built_in=('toy_one', 'toy_two'))\n"
    )
    (tmp_path / "toy_one.py").write_text("from toys import TOYS\n@TOYS.register\nclass One:\n    name = 'one'\n")
    (tmp_path / "toy_two.py").write_text(
        "from toy_one import One\nfrom toys import TOYS\n@TOYS.register\nclass Two(One):\n    name = 'two'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        importlib.import_module("toy_one")
        toys = importlib.import_module("toys").TOYS
        assert list(toys) == ["one", "two"]
    finally:
        REGISTRIES[:] = [one for one in REGISTRIES if one.kind != "toy"]
        for name in ("toys", "toy_one", "toy_two"):
            sys.modules.pop(name, None)
