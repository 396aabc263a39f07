"""References and strata in a whole sweep: what they see, how they are trained and what stands in their records."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.domain import build_domain
from bench.sweep.inputs import draw, view


def test_the_mask_oracle_sees_the_mask_and_nothing_of_the_pixels() -> None:
    images = draw("texture", "test", 0, 8).a
    seen = view("texture", images, "mask")
    assert seen.shape == images.pixels.shape
    assert torch.equal(seen[:, 0], images.latents["mask"])
    assert torch.equal(seen[:, 0], seen[:, 2])


def test_references_are_planned_where_the_domain_offers_what_they_see(sweep) -> None:
    names = ["mask_oracle", "template_oracle"]
    _, records, _ = sweep(fusion=names, domain=["color", "texture"], eval=["companions", "greyscale"], seed="0,1")
    status = {(r["fusion"], r["domain"], r["seed"]): r["status"] for r in records}
    assert status["template_oracle", "texture", 0] == "not_applicable"
    assert status["template_oracle", "color", 0] == "ok"
    # Nothing of it depends on the seed.
    assert ("template_oracle", "color", 1) not in status
    assert ("mask_oracle", "color", 1) in status
    oracle = next(r for r in records if (r["fusion"], r["domain"]) == ("template_oracle", "color"))
    # It is not tested where it could not see anything.
    assert set(oracle["eval"]) == {"color", "color:shift=greyscale"}
    assert oracle["eval"]["color"]["accuracy"] > 0.95
    assert oracle["family"] == "reference"


def test_strata_of_an_evaluated_shift_add_up(sweep) -> None:
    _, records, _ = sweep(fusion="pixel_distance", eval=["sweep_radius"], test_pairs=200)
    metrics = records[0]["eval"]["color:shift=sweep_radius"]
    strata = metrics["strata"]
    names = build_domain("color:shift=sweep_radius").draw("test", 0, 200).strata.names
    assert list(strata) == list(names)
    assert sum(stratum["n"] for stratum in strata.values()) == 200
    mean = np.average([s["accuracy"] for s in strata.values()], weights=[s["n"] for s in strata.values()])
    assert mean == pytest.approx(metrics["accuracy"])
    assert "strata" not in records[0]["eval"]["color"]


def test_the_template_oracle_needs_no_encodings_under_the_frozen_protocol(sweep) -> None:
    _, (record,), _ = sweep(fusion="template_oracle", protocol="frozen")
    assert record["status"] == "ok"
    assert record["eval"]["color"]["accuracy"] > 0.95


def test_a_control_without_an_encoder_stands_beside_frozen_fusions(sweep) -> None:
    _, records, _ = sweep(fusion=["pixel_distance", "two_channel"], protocol="frozen")
    assert {record["fusion"]: record["status"] for record in records} == {
        "pixel_distance": "ok",
        "two_channel": "not_applicable",
    }
