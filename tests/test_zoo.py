"""Discovery of plug-ins."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import zoo
from bench.errors import UsageError
from bench.fusion import FUSIONS
from bench.guard import PLUGIN_NAMESPACE
from bench.registry import DuplicateNameError
from bench.source import source_file
from tests.plugins import broken, fusion

REPOSITORY = Path(__file__).resolve().parents[1]
Plugin = Callable[..., Path]


def test_an_unknown_name_mentions_plugins_that_failed(plugin: Plugin) -> None:
    path = plugin("raise OSError('disk on fire')", load=False)
    zoo.load([path])
    with pytest.raises(UsageError, match=r"plug-ins that failed to load: plugin.py \(OSError: disk on fire\)"):
        FUSIONS.get("mine")


def test_include_of_a_file(plugin: Plugin) -> None:
    path = plugin(fusion())
    assert "mine" in FUSIONS
    assert source_file(FUSIONS.get("mine")) == path


def test_include_of_a_folder(plugin: Plugin, tmp_path: Path) -> None:
    for name in ("mine", "yours", "_private"):
        plugin(fusion(name), name=name, load=False)
    (tmp_path / "notes.txt").write_text("no plug-in")
    zoo.load([tmp_path])
    assert {"mine", "yours"} <= set(FUSIONS)
    assert "_private" not in FUSIONS


def test_loading_twice_executes_a_file_once(plugin: Plugin, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    path = plugin(f"with open({str(log)!r}, 'a') as log: log.write('x')")
    zoo.load([path])
    assert log.read_text() == "x"


def test_a_file_included_again_as_part_of_its_folder_is_no_duplicate(plugin: Plugin, tmp_path: Path) -> None:
    path = plugin(fusion())
    zoo.load([tmp_path])
    zoo.load([path])
    assert broken(path) is None


@pytest.mark.parametrize("path", ["", "concat.py"])
def test_including_a_built_in_again_is_no_duplicate(path: str, registries: None) -> None:
    """``bench test fusions`` loads the zoo a second time, as a user's files."""
    before = list(FUSIONS)
    zoo.load([zoo.built_in_folder("fusions") / path])
    assert list(FUSIONS) == before
    assert zoo.broken_plugins() == []


def test_siblings_import_each_other_relatively(plugin: Plugin) -> None:
    plugin("def width(spec): return spec.dim", name="helper", load=False)
    plugin("from .helper import width\n" + fusion())
    assert "mine" in FUSIONS


def test_a_duplicate_name_is_an_error_that_names_both_files(plugin: Plugin) -> None:
    path = plugin(fusion("concat"), load=False)
    first = source_file(FUSIONS.get("concat"))
    with pytest.raises(DuplicateNameError) as error:
        zoo.load([path])
    assert str(path) in str(error.value)
    assert str(first) in str(error.value)
    assert source_file(FUSIONS.get("concat")) == first


def test_a_duplicate_rolls_back_its_file(plugin: Plugin) -> None:
    second = fusion("concat").replace("Mine", "Other")
    path = plugin(fusion() + second, load=False)
    before = list(FUSIONS)
    with pytest.raises(DuplicateNameError):
        zoo.load([path])
    assert list(FUSIONS) == before


def test_two_classes_of_one_name_in_one_file_are_an_error(plugin: Plugin) -> None:
    path = plugin(fusion() + fusion().replace("Mine", "Other"), load=False)
    with pytest.raises(DuplicateNameError, match="mine"):
        zoo.load([path])


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("raise ValueError('two\\nlines')", "ValueError: two"),
        ("raise ValueError", "ValueError"),
        (fusion().replace("family, ", "").replace('"embedding", ', "", 1), "does not state 'family'"),
        (fusion().replace("Absolute difference.", ""), "has no docstring"),
        (fusion().replace('"embedding", True', '"embeding", True'), "needs must be one of"),
        (
            fusion().replace("    def", '    role = "control"\n\n    def', 1),
            "a control of the family embedding; expected the same word for both",
        ),
    ],
)
def test_a_broken_plugin_is_listed_and_the_others_go_on(plugin: Plugin, tmp_path: Path, body: str, error: str) -> None:
    path = plugin(body, name="a_broken", load=False)
    plugin(fusion("fine"), name="b_fine", load=False)
    zoo.load([tmp_path])
    assert error in (broken(path) or "")
    assert "\n" not in (broken(path) or "")
    assert "fine" in FUSIONS


def test_a_plugin_that_fails_halfway_leaves_nothing(plugin: Plugin, tmp_path: Path) -> None:
    before = list(FUSIONS)
    path = plugin(fusion() + "\nraise RuntimeError('halfway')", load=False)
    zoo.load([tmp_path])
    assert broken(path) == "RuntimeError: halfway"
    assert list(FUSIONS) == before


def test_a_sibling_that_fails_halfway_leaves_nothing(plugin: Plugin) -> None:
    before = list(FUSIONS)
    plugin(fusion("theirs") + "\nraise RuntimeError('halfway')", name="helper", load=False)
    path = plugin("from . import helper\n" + fusion(), load=False)
    zoo.load([path])
    assert broken(path) == "RuntimeError: halfway"
    assert list(FUSIONS) == before


def test_a_plugin_repaired_in_the_same_process_loads(plugin: Plugin) -> None:
    path = plugin("raise RuntimeError('not yet')", load=False)
    zoo.load([path])
    assert broken(path)
    plugin(fusion() + "# repaired")
    assert "mine" in FUSIONS
    assert broken(path) is None


@pytest.mark.parametrize("name", ["missing.py", "missing", "notes.txt"])
def test_a_path_that_is_no_plugin_is_a_usage_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("no plug-in")
    with pytest.raises(UsageError, match="expected a Python file or a folder"):
        zoo.load([tmp_path / name])


def test_built_ins_have_no_privilege() -> None:
    """They live under a private name, as a user's files do."""
    for name in FUSIONS:
        assert FUSIONS.get(name).__module__.startswith(f"{PLUGIN_NAMESPACE}.fusions.")


def test_the_plugin_folders_are_no_import_packages(tmp_path: Path) -> None:
    """Even in the repository root, where Python looks first, a package called ``datasets`` is the installed one."""
    package = tmp_path / "datasets"
    package.mkdir()
    (package / "__init__.py").write_text("NAME = 'stand-in'\n")
    code = """
import sys
from bench import zoo
from bench.domain import DOMAINS
zoo.load()
assert "color" in DOMAINS
assert not zoo.broken_plugins(), zoo.broken_plugins()
assert not {"datasets", "fusions"} & set(sys.modules)
assert not [path for path in sys.path if path.rstrip("/").endswith(("fusions", "datasets"))]
sys.path.append(sys.argv[1])
import datasets
print(datasets.NAME)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "stand-in", result.stderr


def test_an_entry_point_is_loaded_like_any_plugin(monkeypatch: pytest.MonkeyPatch, registries: None) -> None:
    """Another distribution registers through its entry point; one that fails is listed."""
    calls = []

    class Entry:
        def __init__(self, name: str, value: str, fails: bool) -> None:
            self.name, self.value, self.fails = name, value, fails

        def load(self) -> None:
            calls.append(self.name)
            if self.fails:
                raise ImportError("gone")

    entries = [Entry("good", "good_package:plugin", False), Entry("bad", "bad_package:plugin", True)]
    monkeypatch.setattr(zoo, "_loaded_entry_points", set())
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda group: entries if group == zoo.ENTRY_POINT_GROUP else []
    )
    zoo.load()
    zoo.load()
    assert calls == ["good", "bad"]
    assert broken(Path("bad = bad_package:plugin")) == "ImportError: gone"


def test_what_a_broken_plugin_says_is_shown_as_text(plugin: Plugin) -> None:
    path = plugin("raise ValueError('\\x1b[31m' + 'x' * 10_000)", load=False)
    zoo.load([path])
    assert (broken(path) or "").startswith("ValueError: \\x1b[31mxxx")
    assert len(broken(path) or "") < 600
