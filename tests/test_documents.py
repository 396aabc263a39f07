"""What the documents say is there is there: the version, the map of the rooms, decorators and examples, links."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest
import yaml

import bench
from bench.registry import REGISTRIES

ROOT = Path(__file__).parents[1]
MAP = ROOT / "docs" / "architecture.md"
GUIDE = ROOT / "CONTRIBUTING.md"
PAGES = sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("changes/*.md")))
# Kind, decorator and example of each row.
KINDS = re.findall(r"^\| ([\w -]+?)(?: \(.*\))? \| `([\w.]+)` \| `([\w/.]+)` \|$", GUIDE.read_text(), re.MULTILINE)


def test_package_citation_and_changelog_tell_the_same_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = re.search(r"^## (\S+) \((\S+)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest.groups() == (bench.__version__, str(citation["date-released"]))
    assert citation["version"] == bench.__version__


def test_every_room_is_on_the_map() -> None:
    rooms = {
        f"bench/{path.name}/" if path.is_dir() else f"bench/{path.name}"
        for path in (ROOT / "bench").iterdir()
        if (path.is_dir() and (path / "__init__.py").exists()) or (path.suffix == ".py" and "__" not in path.name)
    }
    assert rooms <= set(re.findall(r"`([^`]+)`", MAP.read_text()))


@pytest.mark.parametrize("page", [MAP, GUIDE], ids=lambda page: page.name)
def test_every_path_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"`((?:bench|fusions|datasets|tests|results|\.github)/[\w/.]*)`", page.read_text())
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(("kind", "decorator", "example"), KINDS)
def test_a_kind_is_registered_as_the_guide_says(kind: str, decorator: str, example: str) -> None:
    module, _, name = decorator.rpartition(".")
    register = getattr(importlib.import_module(module), name)
    assert kind in {registry.kind for registry in REGISTRIES if registry.register == register}
    assert name in (ROOT / example).read_text()


def test_the_guide_lists_every_kind() -> None:
    for _, decorator, _ in KINDS:
        importlib.import_module(decorator.rpartition(".")[0])
    assert {registry.kind for registry in REGISTRIES} == {kind for kind, _, _ in KINDS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, heading = target.partition("#")
        if "://" in path:
            continue
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if heading:
            assert heading in map(_anchor, re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE)), target


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("book", sorted(ROOT.glob("docs/notebooks/*.ipynb")), ids=lambda book: book.name)
def test_a_notebook_is_stored_as_it_was_written_and_not_as_it_once_ran(book: Path) -> None:
    cells = json.loads(book.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert [cell["source"] for cell in code if cell["outputs"] or cell["execution_count"]] == []
