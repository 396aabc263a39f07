"""Registry and discovery of plug-ins."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import zoo
from bench.errors import UsageError
from bench.fusion import FUSIONS, FeatureSpec, Fusion
from bench.guard import PLUGIN_NAMESPACE
from bench.registry import DuplicateNameError
from bench.source import source_file, source_hash

REPOSITORY = Path(__file__).resolve().parents[1]

FUSION = """
@register
class Mine(Fusion):
    '''Difference.'''

    name, family, needs, symmetric, paper = "{name}", "embedding", "embedding", False, "none"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a - b
"""

Plugin = Callable[..., Path]


def broken(path: Path) -> str | None:
    """The error with which the plug-in at ``path`` failed to load."""
    return next((plugin.error for plugin in zoo.broken_plugins() if plugin.path == path), None)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown fusion 'concta': did you mean concat\b"):
        FUSIONS.get("concta")
    with pytest.raises(UsageError, match="unknown fusion 'hadamrd': did you mean hadamard"):
        FUSIONS.match("hadamrd")


def test_a_name_unlike_any_other_lists_them_all() -> None:
    with pytest.raises(UsageError, match=r"known: abs_diff, .*two_channel"):
        FUSIONS.get("zzz")


def test_an_unknown_name_mentions_plugins_that_failed(plugin: Plugin) -> None:
    path = plugin("raise OSError('disk on fire')", load=False)
    zoo.load([path])
    with pytest.raises(UsageError, match=r"plug-ins that failed to load: plugin.py \(OSError: disk on fire\)"):
        FUSIONS.get("mine")


def test_match_takes_all_a_glob_or_a_name() -> None:
    assert FUSIONS.match("all") == sorted(FUSIONS)
    assert FUSIONS.match("concat*") == ["concat", "concat_linear"]
    assert FUSIONS.match("concat") == ["concat"]
    with pytest.raises(UsageError):
        FUSIONS.match("zzz*")


def test_include_of_a_file(plugin: Plugin) -> None:
    path = plugin(FUSION.format(name="mine"))
    assert "mine" in FUSIONS
    assert source_file(FUSIONS.get("mine")) == path


def test_include_of_a_folder(plugin: Plugin, tmp_path: Path) -> None:
    for name in ("mine", "yours", "_private"):
        plugin(FUSION.format(name=name), name=name, load=False)
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
    path = plugin(FUSION.format(name="mine"))
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
    plugin("from .helper import width\n" + FUSION.format(name="mine"))
    assert "mine" in FUSIONS


def test_a_duplicate_name_is_an_error_that_names_both_files(plugin: Plugin) -> None:
    path = plugin(FUSION.format(name="concat"), load=False)
    first = source_file(FUSIONS.get("concat"))
    with pytest.raises(DuplicateNameError) as error:
        zoo.load([path])
    assert str(path) in str(error.value)
    assert str(first) in str(error.value)
    assert source_file(FUSIONS.get("concat")) == first


def test_a_duplicate_rolls_back_its_file(plugin: Plugin) -> None:
    second = FUSION.format(name="concat").replace("Mine", "Other")
    path = plugin(FUSION.format(name="mine") + second, load=False)
    before = list(FUSIONS)
    with pytest.raises(DuplicateNameError):
        zoo.load([path])
    assert list(FUSIONS) == before


def test_two_classes_of_one_name_in_one_file_are_an_error(plugin: Plugin) -> None:
    path = plugin(FUSION.format(name="mine") + FUSION.format(name="mine").replace("Mine", "Other"), load=False)
    with pytest.raises(DuplicateNameError, match="mine"):
        zoo.load([path])


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("raise ValueError('two\\nlines')", "ValueError: two"),
        ("raise ValueError", "ValueError"),
        (FUSION.format(name="mine").replace("family, ", "").replace('"embedding", ', "", 1), "does not state 'family'"),
        (FUSION.format(name="mine").replace("'''Difference.'''", ""), "has no docstring"),
        (FUSION.format(name="mine").replace('"embedding", False', '"embeding", False'), "needs must be one of"),
    ],
)
def test_a_broken_plugin_is_listed_and_the_others_go_on(plugin: Plugin, tmp_path: Path, body: str, error: str) -> None:
    path = plugin(body, name="a_broken", load=False)
    plugin(FUSION.format(name="fine"), name="b_fine", load=False)
    zoo.load([tmp_path])
    assert error in (broken(path) or "")
    assert "\n" not in (broken(path) or "")
    assert "fine" in FUSIONS


def test_a_plugin_that_fails_halfway_leaves_nothing(plugin: Plugin, tmp_path: Path) -> None:
    before = list(FUSIONS)
    path = plugin(FUSION.format(name="mine") + "\nraise RuntimeError('halfway')", load=False)
    zoo.load([tmp_path])
    assert broken(path) == "RuntimeError: halfway"
    assert list(FUSIONS) == before


def test_a_sibling_that_fails_halfway_leaves_nothing(plugin: Plugin) -> None:
    before = list(FUSIONS)
    plugin(FUSION.format(name="theirs") + "\nraise RuntimeError('halfway')", name="helper", load=False)
    path = plugin("from . import helper\n" + FUSION.format(name="mine"), load=False)
    zoo.load([path])
    assert broken(path) == "RuntimeError: halfway"
    assert list(FUSIONS) == before


def test_a_plugin_repaired_in_the_same_process_loads(plugin: Plugin) -> None:
    path = plugin("raise RuntimeError('not yet')", load=False)
    zoo.load([path])
    assert broken(path)
    plugin(FUSION.format(name="mine") + "# repaired")
    assert "mine" in FUSIONS
    assert broken(path) is None


@pytest.mark.parametrize("name", ["missing.py", "missing", "notes.txt"])
def test_a_path_that_is_no_plugin_is_a_usage_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("no plug-in")
    with pytest.raises(UsageError, match="expected a Python file or a folder"):
        zoo.load([tmp_path / name])


def test_source_hash_follows_siblings(plugin: Plugin, tmp_path: Path) -> None:
    helper = plugin("WIDTH = 1", name="helper", load=False)
    deeper = plugin("DEPTH = 1", name="deeper", load=False)
    other = plugin("UNUSED = 1", name="other", load=False)
    helper.write_text("from . import deeper\nWIDTH = 1\n")
    path = plugin("from .helper import WIDTH\n" + FUSION.format(name="mine"))
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


@pytest.mark.parametrize(
    "line", ["from.helper import WIDTH", "from \\\n    .helper import WIDTH", "def late():\n\tfrom\t. import(helper)"]
)
def test_source_hash_finds_a_sibling_however_it_is_imported(plugin: Plugin, line: str) -> None:
    helper = plugin("WIDTH = 1", name="helper", load=False)
    plugin(f"{line}\n" + FUSION.format(name="mine"))
    before = source_hash(FUSIONS.get("mine"))
    helper.write_text("WIDTH = 22\n")
    assert source_hash(FUSIONS.get("mine")) != before


def test_source_hash_of_siblings_that_import_each_other(plugin: Plugin) -> None:
    plugin("def late():\n    from .plugin import Mine\n", name="helper", load=False)
    plugin("from . import helper\n" + FUSION.format(name="mine"))
    assert source_hash(FUSIONS.get("mine"))


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
    body = FUSION.format(name="mine").replace('"mine"', repr(name))
    path = plugin(body, load=False)
    before = list(FUSIONS)
    zoo.load([path])
    assert "TypeError: fusion Mine: the name " in (broken(path) or "")
    assert "expected a letter, then up to 63" in (broken(path) or "")
    assert (broken(path) or "").isprintable()
    assert list(FUSIONS) == before
    assert len(FUSIONS.resolve(["*"])) == len(before)


def test_texts_of_a_class_are_texts(plugin: Plugin) -> None:
    path = plugin(FUSION.format(name="mine").replace('"none"', "['A', 2020]"), load=False)
    zoo.load([path])
    assert broken(path) == "TypeError: fusion Mine: paper must be a text, got ['A', 2020]"


def test_what_a_broken_plugin_says_is_shown_as_text(plugin: Plugin) -> None:
    path = plugin("raise ValueError('\\x1b[31m' + 'x' * 10_000)", load=False)
    zoo.load([path])
    assert (broken(path) or "").startswith("ValueError: \\x1b[31mxxx")
    assert len(broken(path) or "") < 600


def test_a_path_below_the_home_folder_is_told_with_a_tilde_and_found(
    plugin: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key is that of the whole path, whichever way it is written."""
    monkeypatch.setenv("HOME", str(tmp_path))
    plugin(FUSION.format(name="mine").replace("spec: FeatureSpec)", "spec: FeatureSpec, path: str = '')"))
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
