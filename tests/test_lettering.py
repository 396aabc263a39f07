"""Names of users in pictures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

from bench import lettering
from bench.lettering import names_as_they_are


@pytest.fixture
def fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two fonts for symbols that come with matplotlib, and the default one for all else."""
    monkeypatch.setattr(lettering, "OTHER_SCRIPTS", (("No Such Font", "cmsy10", "cmex10"), ("No Such Font",)))
    lettering._installed.cache_clear()
    yield
    lettering._installed.cache_clear()


def test_the_first_font_of_a_script_that_is_installed_is_asked_after_the_default_one(fonts: None) -> None:
    before = list(rcParams["font.family"])
    with names_as_they_are():
        assert rcParams["font.family"] == ["sans-serif", "cmsy10"]
    assert list(rcParams["font.family"]) == before


def test_two_dollar_signs_are_no_formula_and_no_font_is_missed(fonts: None) -> None:
    with names_as_they_are():
        figure = Figure()
        text = figure.suptitle("a$b$c")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.draw_without_rendering()
    assert not text.get_parse_math()
