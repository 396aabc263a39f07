"""Replicates: each redoes all that chance decides, and its records carry the names that all replicates share."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.domain import DOMAINS, build_domain
from bench.records.entries import entries_of
from bench.records.load import load_runs, pool
from bench.records.scores import read_scores
from bench.records.sections import sections_of
from bench.report.caption import caption
from bench.sweep.plan import make_plan
from bench.sweep.replicates import as_given, redealt, shared


def test_a_replicate_has_a_warm_up_and_draws_of_its_own(tiny: Any) -> None:
    cells = [one.cell for one in make_plan(tiny(replicates=3, protocol="finetune", warmup_seed=5), {}).cells]
    assert [cell.warmup.seed for cell in cells] == [5, 6, 7]
    for split in ("train", "val", "test"):
        assert [cell.draws(split)[1] for cell in cells] == [0, 1, 2]
    seeds = [one.cell for one in make_plan(tiny(seed="0..2", protocol="finetune", warmup_seed=5), {}).cells]
    assert {cell.warmup.seed for cell in seeds} == {5}
    assert [cell.draws("train")[1] for cell in seeds] == [0, 1, 2]
    assert {cell.draws(split)[1] for cell in seeds for split in ("val", "test")} == {0}
    assert len({cell.key() for cell in (*cells, *seeds)}) == 6


def test_replicates_are_the_same_wherever_counting_starts(tiny: Any) -> None:
    known = [one.key for one in make_plan(tiny(replicates=4, domain="digits", protocol="finetune"), {}).cells]
    config = tiny(replicates=2, first_replicate=2, domain="digits", protocol="finetune")
    assert [one.key for one in make_plan(config, {}).cells] == known[2:]


def test_a_finite_collection_is_dealt_anew_under_one_name(tiny: Any) -> None:
    config = tiny(replicates=3, domain="digits:held_out=3", eval=["companions"])
    cells = [one.cell for one in make_plan(config, {}).cells]
    parts = [build_domain(cell.domain).draw("test", 0, 200).a.latents["image"].unique() for cell in cells]
    assert len({tuple(part.tolist()) for part in parts}) == 3
    assert {cell.name_of(cell.domain) for cell in cells} == {"digits:held_out=3"}
    novel = {cell.name_of(domain) for cell in cells for domain in cell.eval_domains}
    assert novel == {"digits:held_out=3", "digits:held_out=3:shift=novel"}
    # No image that a replicate trains on is one that it is tested on, on whichever domain.
    for cell in cells:
        seen = set(build_domain(cell.domain).draw("train", cell.seed, 500).a.latents["image"].tolist())
        tested = [build_domain(domain).draw("test", 0, 200).a.latents["image"].tolist() for domain in cell.eval_domains]
        assert seen
        assert not any(seen & set(images) for images in tested)


def test_what_a_user_chose_is_the_first_of_them() -> None:
    chosen = DOMAINS.settle("digits:split_seed=4")
    assert str(redealt(chosen, 0)) == "digits:split_seed=4"
    assert str(redealt(chosen, 3)) == "digits:split_seed=7"
    assert str(as_given(redealt(chosen, 3), 3)) == "digits:split_seed=4"


@pytest.mark.parametrize(("domain", "what"), [("color", ""), ("digits", "images")])
def test_what_replicates_share(domain: str, what: str) -> None:
    assert shared(DOMAINS.settle(domain)) == what


def test_parts_that_are_given_are_shared(tmp_path: Path) -> None:
    parts = ["train"] * 4 + ["val"] * 4 + ["test"] * 4
    rows = [f"{i}a.png,{i}b.png,{i % 2},{part}" for i, part in enumerate(parts)]
    for i, side in product(range(len(parts)), "ab"):
        pixels = np.random.default_rng(1000 * i + ord(side)).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}{side}.png")
    (tmp_path / "list.csv").write_text("\n".join(["a,b,label,split", *rows]))
    domain = DOMAINS.settle(f"pairs:path={tmp_path / 'list.csv'}")
    assert redealt(domain, 2) == domain == as_given(domain, 2)
    assert shared(domain) == "parts"


def test_fusions_of_a_replicate_share_what_replicates_do_not(sweep: Any, tmp_path: Path) -> None:
    code, records, _ = sweep(fusion="abs_diff,concat", replicates=2, protocol="finetune")
    assert code == 0
    found = [(one["fusion"], one["seed"], one["repeats"], one["warmup"]["seed"]) for one in records]
    assert found == [(fusion, number, "replicate", number) for number in (0, 1) for fusion in ("abs_diff", "concat")]
    scores = [read_scores(tmp_path / "run" / "scores" / f"{one['key']}.npz") for one in records]
    for name in ("color/label", "val/label"):
        labels = [own[name] for own in scores]
        assert np.array_equal(labels[0], labels[1])
        assert np.array_equal(labels[2], labels[3])
        assert not np.array_equal(labels[0], labels[2])


def test_seeds_and_replicates_stand_in_tables_of_their_own(sweep: Any, tmp_path: Path) -> None:
    sweep(seed="0..1")
    sweep(replicates=2)
    found = {section.repeats: section for section in sections_of(entries_of(pool(load_runs([tmp_path / "run"])).cells))}
    assert len({section.title for section in found.values()}) == 2
    said = {repeats: " ".join(caption(section)) for repeats, section in found.items()}
    assert "2 replicates" in said["replicate"]
    assert "other ones in each replicate" in said["replicate"]
    assert "2 seeds" in said["seed"]
    assert "replicate" not in said["seed"]


def test_replicates_can_begin_at_another_number(tiny: Any) -> None:
    def keys(**changes: Any) -> list[str]:
        return [one.key for one in make_plan(tiny(protocol="finetune", domain="digits", **changes), {}).cells]

    assert keys(replicates=2, first_replicate=3) == keys(replicates=5)[3:]
