"""Which drawings of the eight sets show one concept: by code point where a set has them, else by name."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Flags look alike by intention; components are skin tones and hair.
LEFT_OUT_GROUPS = frozenset({"Flags", "Component"})
SKIN_TONES = frozenset({"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"})
JOINER, VARIATION = "200d", "fe0f"
# Sequences that begin with a person, or with one of these signs, are variants of a concept that is there already.
PERSONS = frozenset({"1f468", "1f469", "1f9d1"})
GENDERS = frozenset({"2640", "2642"})
# A star is among the shapes that the warm-up names, and these share no class with the task.
WARMED_UP = frozenset({"2b50"})


@dataclass(frozen=True)
class Drawing:
    """One SVG of a set: what stands inside of its root, and its frame as (left, top, width, height)."""

    body: str
    frame: tuple[float, float, float, float]


@dataclass(frozen=True)
class Concept:
    """One emoji.

    Attributes:
        code: its code points, such as ``1f43b-200d-2744``, without variation selectors.
        name, subgroup: as Unicode calls them.
        drawings: by the name of the set.
    """

    code: str
    name: str
    subgroup: str
    drawings: Mapping[str, Drawing]


class IconSet:
    """One Iconify package: its drawings and the names of each."""

    def __init__(self, root: Path) -> None:
        found = _read(root / "icons.json")
        self.icons = {name: {**found, **icon} for name, icon in found["icons"].items() if not icon.get("hidden")}
        self.codes = {_code(code): name for code, name in _read(root / "chars.json").items()}
        self._names = defaultdict(list)
        for alias, entry in found.get("aliases", {}).items():
            if len(entry) == 1:  # only its parent: the same drawing, neither turned nor mirrored
                self._names[entry["parent"]].append(alias)

    def names_of(self, icon: str) -> list[str]:
        """The names of a drawing: its own, then its aliases; without hyphens, which not all sets write."""
        return [name.replace("-", "") for name in (icon, *self._names[icon])]

    def drawing(self, icon: str) -> Drawing:
        """The SVG of a drawing."""
        found = self.icons[icon]
        frame = found.get("left", 0), found.get("top", 0), found.get("width", 16), found.get("height", 16)
        return Drawing(found["body"], frame)


def read_concepts(sets: Mapping[str, Path], unicode: Path) -> list[Concept]:
    """All concepts that any set draws, in the order of their code points.

    Args:
        sets: root of the package of each set.
        unicode: root of the package with Unicode's list.
    """
    read = {name: IconSet(root) for name, root in sets.items()}
    listed = {_code(entry["codes"]): entry for entry in reversed(_read(unicode / "emoji.json"))}
    by_name = _codes_by_name(read.values(), listed)
    drawings: dict[str, dict[str, Drawing]] = defaultdict(dict)
    for name, icons in read.items():
        for code, icon in _placed(icons, by_name):
            drawings[code].setdefault(name, icons.drawing(icon))
    return [
        Concept(code, listed[code]["name"], listed[code]["subgroup"], drawings[code])
        for code in sorted(drawings)
        if code in listed and is_concept(code, listed[code]["group"])
    ]


def is_concept(code: str, group: str) -> bool:
    """Whether an emoji is one of its own: no flag, no skin tone, no variant of a person; and not in the warm-up."""
    points = code.split("-")
    is_variant = JOINER in points and (points[0] in PERSONS or not GENDERS.isdisjoint(points))
    is_other = group not in LEFT_OUT_GROUPS and code not in WARMED_UP
    return is_other and SKIN_TONES.isdisjoint(points) and not is_variant


def _codes_by_name(sets: Iterable[IconSet], listed: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The code of each name: the one that most sets and Unicode's list give it; of none where they disagree evenly."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for code, entry in listed.items():
        votes["".join(letter for letter in entry["name"].lower() if letter.isalnum())][code] += 1
    for icons in sets:
        for code, icon in icons.codes.items():
            for name in icons.names_of(icon):
                votes[name][code] += 1
    chosen = {}
    for name, counts in votes.items():
        (code, most), *others = counts.most_common(2)
        if not others or others[0][1] < most:
            chosen[name] = code
    return chosen


def _placed(icons: IconSet, by_name: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Code and icon of each drawing of a set whose code is known."""
    if icons.codes:
        yield from ((code, icon) for code, icon in icons.codes.items() if icon in icons.icons)
        return
    for icon in icons.icons:
        # An alias may be what another emoji is called today: a name of its own comes first.
        codes = [by_name[name] for name in icons.names_of(icon) if name in by_name]
        if codes:
            yield codes[0], icon


def _code(text: str) -> str:
    points = text.lower().replace(" ", "-").split("-")
    return "-".join(point for point in points if point != VARIATION)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
