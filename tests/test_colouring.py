"""What images are told apart by."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench import zoo
from bench.colouring import colourings
from bench.domain import build_domain

zoo.load()


def test_images_with_classes_and_groups_are_told_apart_by_both(grouped: Path) -> None:
    domain = build_domain(f"folder:{grouped}")
    kinds = {"class": np.array([1, 0]), "group": np.array([11, 0]), "image": np.array([7, 8])}
    by_class, by_group = colourings(domain, kinds)
    assert (by_class.by, [by_class.names[kind] for kind in by_class.kinds]) == ("class", ["bee", "ant"])
    assert (by_group.by, [by_group.names[kind] for kind in by_group.kinds]) == ("group", ["zoe", "amy"])


def test_groups_without_names_are_numbered() -> None:
    found = colourings(build_domain("color"), {"class": np.array([0, 0]), "group": np.array([2, 0])})
    assert [list(one.names) for one in found[1:]] == [["group 0", "group 1", "group 2"]]
    assert [one.by for one in colourings(build_domain("color"), {"class": np.array([0])})] == ["class"]
