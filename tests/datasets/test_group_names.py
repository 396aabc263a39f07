"""What the groups of labelled images are called."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import zoo
from bench.domain import Domain, build_domain, groups_of

zoo.load()
packages = importlib.import_module("_fusebench_plugins.datasets.emoji_packages")


def test_a_group_of_a_folder_has_the_name_that_the_list_says(grouped: Path) -> None:
    domain = build_domain(f"folder:{grouped}")
    with grouped.open() as file:
        said = [row["group"] for row in csv.DictReader(file)]
    latents = domain.draw("train", 0, 64).a.latents
    names = groups_of(domain)
    found = [names[number] for number in latents["group"].tolist()]
    assert found == [said[image] for image in latents["image"].tolist()]
    assert len(set(found)) > 1


def test_a_group_of_emoji_is_the_set_that_the_picture_is_from(from_packages: Callable[[str], Domain]) -> None:
    domain = from_packages("emoji")
    assert groups_of(domain) == tuple(packages.SETS)
    assert int(domain.bank.latents["group"].max()) + 1 == len(packages.SETS)


def test_a_group_of_fonts_is_a_family(from_packages: Callable[[str], Domain]) -> None:
    domain = from_packages("fonts")
    names, numbers = groups_of(domain), domain.bank.latents["group"].tolist()
    assert [names[number] for number in numbers] == domain._glyphs.arrays["family"].tolist()


@pytest.mark.parametrize("name", ["digits", "color"])
def test_without_groups_there_are_no_names(name: str) -> None:
    assert groups_of(build_domain(name)) == ()
