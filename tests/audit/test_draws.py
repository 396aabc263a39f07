"""What an audit draws: the test set of the sweeps, half as many training pairs, and blobs in place of shapes."""

from __future__ import annotations

import pytest
import torch

from bench.audit import draws as module
from bench.audit.draws import Draws, nuisance_names
from bench.domain import build_domain


def test_the_draws_are_those_of_the_domain_however_they_are_chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 64)
    draws, domain = Draws("color", 200, seed=3), build_domain("color")
    for split, n in (("test", 200), ("train", 100), ("val", 50)):
        found, expected = getattr(draws, split), domain.draw(split, 3, n)  # type: ignore[arg-type]
        assert torch.equal(found.b.pixels, expected.b.pixels)
        assert torch.equal(found.label, expected.label)
        assert all(torch.equal(found.a.latents[name], value) for name, value in expected.a.latents.items())


def test_blobs_stand_in_for_the_shapes_of_the_same_pairs() -> None:
    draws = Draws("color:difficulty=hard", 200)
    blind = draws.shape_blind()
    assert blind is not None
    assert build_domain(blind.text).difficulty == build_domain(draws.text).difficulty  # type: ignore[attr-defined]
    for name in ("class", "radius", "figure_color"):
        assert torch.equal(blind.test.a.latents[name], draws.test.a.latents[name])
    assert not torch.equal(blind.test.a.latents["mask"], draws.test.a.latents["mask"])


@pytest.mark.parametrize("domain", ["digits", "color:shift=inverted"])
def test_there_are_no_blobs_without_figures_and_none_under_a_shift(domain: str) -> None:
    assert Draws(domain, 200).shape_blind() is None


def test_nuisances_are_all_but_what_is_shown() -> None:
    assert {"x", "radius", "angle", "figure_color"} <= set(nuisance_names(Draws("color", 200).test.a))
    assert not {"class", "mask"} & set(nuisance_names(Draws("color", 200).test.a))
    assert nuisance_names(Draws("digits", 200).test.a) == []
