"""Failing closed: whatever is missing, failed or without a number is named and red."""

import math

import pytest

from bench.errors import UsageError

CELL = "concat × mobilenetv3_small_32 on color · finetune · warm-up names · recipe aaaaaaaa"


@pytest.fixture
def base(cells):
    return [*cells("concat", [0.95, 0.96]), *cells("cosine", [0.85, 0.86])]


def test_a_missing_cell_is_named_and_can_be_allowed(judged, found, base):
    comparison = judged(base, base[1:])
    assert comparison.exit_code == 3
    assert found(comparison, "coverage") == [("missing", f"{CELL}, seed 0", "in the baseline, not in the new run")]
    assert judged(base, base[1:], allow_missing=True).exit_code == 0


@pytest.mark.parametrize("status", ["diverged", "collapsed", "oom", "timeout", "killed", "error", "not_applicable"])
def test_a_failed_cell_is_named_with_its_reason(judged, found, base, record, status):
    failed = record("concat", status=status, error={"type": "X", "message": "step 12\nmore"})
    comparison = judged(base, [failed, *base[1:]])
    assert comparison.exit_code == 3
    ((word, cell, text),) = found(comparison, "coverage")
    assert (word, cell) == ("failed", f"{CELL}, seed 0")
    assert text == f"{status}: X: step 12 (ok in the baseline)"
    assert judged(base, [failed, *base[1:]], allow_missing=True).exit_code == 3


def test_a_cell_that_failed_before_is_still_red(judged, record, base):
    failed = record("concat", status="diverged")
    assert judged([failed, *base[1:]], [failed, *base[1:]]).exit_code == 3


def test_a_failure_that_the_fusion_is_kept_to_show_is_not_red(judged, found, base, record):
    shown = record("sigmoid", status="collapsed", known_failure="a sigmoid before a cosine")
    assert judged(base, [*base, shown]).exit_code == 0
    comparison = judged([*base, shown], [*base, shown])
    assert comparison.exit_code == 0
    assert [one[0] for one in found(comparison, "coverage")] == ["same"]
    assert judged([*base, shown], [*base, {**shown, "status": "error"}]).exit_code == 3


def test_a_new_cell_that_failed_is_red_and_one_that_works_is_not(judged, found, base, record):
    assert judged(base, [*base, record("sum", status="oom")]).exit_code == 3
    comparison = judged(base, [*base, record("sum")])
    assert comparison.exit_code == 0
    assert [one[0] for one in found(comparison, "coverage")] == ["added"]


def test_a_failure_that_is_gone_is_fixed(judged, found, base, record):
    comparison = judged([record("concat", status="diverged"), *base[1:]], base)
    assert comparison.exit_code == 0
    assert [one[0] for one in found(comparison, "coverage")] == ["fixed"]


def test_combinations_that_make_no_sense_on_both_sides_are_fine(judged, found, base, record):
    senseless = record("tokens", status="not_applicable", warmup={"task": "names"})
    comparison = judged([*base, senseless], [*base, senseless])
    assert comparison.exit_code == 0
    assert not found(comparison, "coverage")


@pytest.mark.parametrize("number", [math.nan, math.inf])
@pytest.mark.parametrize("side", [0, 1])
def test_a_score_that_is_not_finite_is_no_record_on_either_side_and_red(judged, found, base, record, number, side):
    broken = [record("concat", accuracy=number), *base[1:]]
    comparison = judged(*((broken, base) if side == 0 else (base, broken)))
    assert comparison.exit_code == 3
    named = [text for _, _, text in found(comparison, "coverage") if f"accuracy: {number} is not a share" in text]
    assert len(named) == 1


@pytest.mark.parametrize("side", [0, 1])
def test_a_score_that_is_missing_is_red_on_either_side(judged, found, base, record, side):
    broken = [record("concat", accuracy=None), *base[1:]]
    comparison = judged(*((broken, base) if side == 0 else (base, broken)))
    assert comparison.exit_code == 3
    ((word, cell, text),) = found(comparison, "coverage")
    assert (word, cell) == ("failed", f"{CELL}, seed 0")
    assert text.startswith(f"no finite accuracy on color {'in the baseline' if side == 0 else 'now'}")


def test_an_ok_record_without_its_own_domain_is_red(judged, found, base, record):
    comparison = judged(base, [record("concat", eval={}), *base[1:]])
    assert comparison.exit_code == 1
    assert [one[:2] for one in found(comparison, "coverage")] == [("failed", f"{CELL}, seed 0")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"recipe_id": "bbbbbbbb"}, "recipe_id aaaaaaaa against bbbbbbbb"),
        ({"protocol": "frozen"}, "protocol finetune against frozen"),
        ({"warmup": {"task": "centre", "seed": 0}}, "warmup names against centre"),
        ({"domain": "texture"}, "domain color against texture"),
        ({"seed": 9}, "seed 0 against 9"),
    ],
)
def test_nothing_in_common_says_why(judged, record, change, reason):
    with pytest.raises(UsageError, match=f"nothing to compare: .*{reason}"):
        judged([record()], [record(**change)])


def test_nothing_but_senseless_combinations_is_nothing_to_compare(judged, record):
    senseless = record("tokens", status="not_applicable")
    with pytest.raises(UsageError, match=r"nothing to compare: no cell that .* share is applicable"):
        judged([senseless], [senseless])


def test_a_run_that_failed_before_its_warm_up_is_failed_and_not_missing(judged, found, base, record):
    failed = [
        record(one["fusion"], one["seed"], status="error", warmup={"task": "names"}, error={"message": "no"})
        for one in base
    ]
    comparison = judged(base, failed)
    assert comparison.exit_code == 3
    assert {one[0] for one in found(comparison, "coverage")} == {"failed"}


def test_a_regression_outweighs_a_missing_cell(judged, cells):
    base = [*cells("concat", [0.95, 0.95, 0.95]), *cells("cosine", [0.8])]
    comparison = judged(base, cells("concat", [0.85, 0.85, 0.85]))
    assert comparison.exit_code == 1
    assert comparison.counts["missing"] == 1


def test_cells_that_differ_in_their_conditions_have_names_of_their_own(judged, cells):
    kinds = ({}, {"protocol": "frozen"}, {"protocol": "frozen", "recipe_id": "bbbbbbbb"},
             {"protocol": "frozen", "recipe_id": "bbbbbbbb", "warmup": {"task": "names", "seed": 1}})  # fmt: skip
    run = [one for kind in kinds for one in cells("concat", [0.95, 0.96], **kind)]
    for place, one in enumerate(run):
        one["key"] = f"{place:016x}"
    names = [one.cell for one in judged(run, run).findings if one.tier == "exact"]
    where = "concat × mobilenetv3_small_32 on color"
    assert names == [
        f"{where} · finetune · warm-up names · recipe aaaaaaaa",
        f"{where} · frozen · warm-up names · recipe aaaaaaaa",
        f"{where} · frozen · warm-up names · recipe bbbbbbbb",
        f"{where} · frozen · warm-up names of seed 1 · recipe bbbbbbbb",
    ]
