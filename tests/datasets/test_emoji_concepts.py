"""Concepts of small icon sets: by code point, by name, and none of what is left out."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from bench import zoo

zoo.load()
emoji_concepts = importlib.import_module("_fusebench_plugins.datasets.emoji_concepts")
LISTED = [
    ("1F431", "cat face", "Animals & Nature", "animal-mammal"),
    ("1F3CF", "cricket game", "Activities", "sport"),
    ("1F997", "cricket", "Animals & Nature", "animal-bug"),
    ("2764 FE0F", "red heart", "Smileys & Emotion", "heart"),
]


def write_set(root: Path, icons: dict[str, dict], chars: dict[str, str], aliases: dict[str, dict]) -> Path:
    root.mkdir()
    found = {"icons": icons, "aliases": aliases, "width": 64, "height": 32}
    (root / "icons.json").write_text(json.dumps(found))
    (root / "chars.json").write_text(json.dumps(chars))
    return root


@pytest.fixture
def unicode(tmp_path: Path) -> Path:
    entries = [dict(zip(("codes", "name", "group", "subgroup"), row, strict=True)) for row in LISTED]
    (tmp_path / "emoji.json").write_text(json.dumps(entries))
    return tmp_path


def test_code_points_come_first_and_names_follow_them(tmp_path: Path, unicode: Path) -> None:
    coded = write_set(
        tmp_path / "coded",
        {name: {"body": f"<{name}/>"} for name in ("cat-face", "cricket-game", "cricket", "red-heart")},
        {"1f431": "cat-face", "1f3cf": "cricket-game", "1f997": "cricket", "2764": "red-heart"},
        {"cat": {"parent": "cat-face"}},
    )
    # Without code points: an alias of the other, no hyphens, an old name of the game that the insect has today.
    named = write_set(
        tmp_path / "named",
        {"cat": {"body": "<c/>"}, "redheart": {"body": "<r/>"}, "cricket-game": {"body": "<g/>"}, "blob": {"body": ""}},
        {},
        {"cricket": {"parent": "cricket-game"}},
    )
    found = {one.name: one for one in emoji_concepts.read_concepts({"a": coded, "b": named}, unicode)}
    assert {name: sorted(one.drawings) for name, one in found.items()} == {
        "cat face": ["a", "b"],
        "cricket game": ["a", "b"],
        "cricket": ["a"],
        "red heart": ["a", "b"],
    }
    assert found["cricket game"].drawings["b"].body == "<g/>"
    assert found["cat face"].drawings["a"].frame == (0, 0, 64, 32)


def test_hidden_and_mirrored_drawings_are_left_out(tmp_path: Path, unicode: Path) -> None:
    icons = {"cat-face": {"body": "", "hidden": True}, "cricket": {"body": "<i/>"}}
    aliases = {"red-heart": {"parent": "cricket", "hFlip": True}}
    root = write_set(tmp_path / "a", icons, {"1f431": "cat-face", "1f997": "cricket", "2764": "red-heart"}, aliases)
    (only,) = emoji_concepts.read_concepts({"a": root}, unicode)
    assert (only.name, only.subgroup) == ("cricket", "animal-bug")


@pytest.mark.parametrize(
    ("code", "group", "expected"),
    [
        ("1f431", "Animals & Nature", True),
        ("1f43b-200d-2744", "Animals & Nature", True),
        ("1f468", "People & Body", True),
        ("1f468-200d-1f680", "People & Body", False),
        ("1f3c3-200d-2640", "People & Body", False),
        ("1f44d-1f3fd", "People & Body", False),
        ("1f1e9-1f1ea", "Flags", False),
        ("1f3fb", "Component", False),
        ("2b50", "Travel & Places", False),
    ],
)
def test_flags_skin_tones_variants_of_persons_and_the_star_are_no_concepts(
    code: str, group: str, expected: bool
) -> None:
    assert emoji_concepts.is_concept(code, group) is expected
