"""The table that sets several domains beside each other."""

import json

import pytest


@pytest.fixture
def folder(record, run_folder):
    levels = {"attention": (0.95, 0.71), "concat": (0.9, 0.7)}
    return run_folder(
        [
            record(name, seed, level + seed / 1000, domain=domain)
            for name, own in levels.items()
            for domain, level in zip(("color", "texture:difficulty=hard"), own, strict=True)
            for seed in range(3)
        ]
    )


def test_it_comes_first_and_says_who_may_be_the_best(folder, bench_report, tables):
    text = bench_report(folder).stdout
    assert text.startswith("## Across domains")
    assert "Not worse than the best on the mean: attention (of 2)." in text.replace("\n", " ")
    best, other = tables(text)[0]
    assert best == {
        "fusion": "attention", "color": "**0.951 ± 0.002**", "texture": "**0.711 ± 0.002**",
        "mean": "**0.831 ± 0.002**", "behind points": "0.00",
    }  # fmt: skip
    assert other["behind points"] == "5.00"
    assert "**" not in other["color"]


def test_headings_tell_recipes_and_replicates_apart(record, run_folder, bench_report):
    kinds = [{}, {"recipe_id": "other"}, {"repeats": "replicate"}]
    records = [
        record(name, seed, 0.9 + seed / 100, domain=domain, key=f"{name}-{domain}-{seed}-{number}", **kind)
        for number, kind in enumerate(kinds)
        for name in "ab"
        for domain in ("color", "texture")
        for seed in range(3)
    ]
    across, _, _ = bench_report(run_folder(records)).stdout.partition("## Trained on")
    headings = [line for line in across.splitlines() if line.startswith("### ")]
    assert len(set(headings)) == 3
    assert [("replicates" in line, "recipe other" in line) for line in headings].count((True, False)) == 1


def test_json_has_the_numbers(folder, bench_report):
    (found,) = json.loads(bench_report(folder, "--format", "json").stdout)["across"]
    assert [one["fusion"] for one in found["fusions"]] == ["attention", "concat"]
    assert found["fusions"][0]["scores"]["mean"]["mean"] == pytest.approx(0.831)
    assert found["n"] == 3


@pytest.mark.parametrize(("seeds", "value"), [(1, "training on it, 1 seed,"), (2, "95 % interval over 2 seeds,")])
def test_with_fewer_than_three_seeds_nothing_is_inferred(record, run_folder, bench_report, seeds, value):
    records = [
        record(name, seed, level + seed / 1000, domain=domain)
        for name, level in (("attention", 0.95), ("concat", 0.9))
        for domain in ("color", "texture")
        for seed in range(seeds)
    ]
    across = " ".join(bench_report(run_folder(records)).stdout.partition("## Trained on")[0].split())
    assert "warm-up names No inference: fewer than 3 seeds. accuracy" in across
    assert value in across
    assert "Not worse than the best on" not in across


def test_a_single_domain_has_none(record, run_folder, bench_report):
    text = bench_report(run_folder([record(f, s) for f in "ab" for s in range(3)])).stdout
    assert "Across domains" not in text
