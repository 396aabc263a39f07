"""The exact tier: every fact that must be equal, one at a time."""

import pytest


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"cost": {"parameters": 244365}}, "parameters: 260,749 -> 244,365"),
        ({"cost": {"trainable": 1}}, "trainable: 260,749 -> 1"),
        ({"cost": {"macs": 9}}, "macs: 7,850,880 -> 9"),
        ({"cost": {"fusion_macs": None}}, "fusion_macs: 16,512 -> none"),
        ({"cost": {"uncounted": ["aten::cdist"]}}, "operators that the MACs leave out: none -> aten::cdist"),
        ({"eval": {"n": 1000}}, "test pairs of color: 2,000 -> 1,000"),
        ({"data": {"color": {"version": 4}}}, "data of color: version 3 -> version 4"),
    ],
)
def test_a_changed_fact_is_a_regression_and_named(judged, found, cells, change, text):
    base, new = cells("concat", [0.95, 0.95, 0.95]), cells("concat", [0.95, 0.95, 0.95])
    for record in new:
        record["cost"] |= change.get("cost", {})
        record["eval"]["color"] |= change.get("eval", {})
        record["data"] = change.get("data", record["data"])
    comparison = judged(base, new)
    assert comparison.exit_code == 1
    assert found(comparison, "exact") == [
        ("worse", "concat × mobilenetv3_small_32 on color · finetune · warm-up names · recipe aaaaaaaa", text)
    ]


def test_a_change_of_one_seed_names_it(judged, found, cells):
    base, new = cells("concat", [0.95, 0.95, 0.95]), cells("concat", [0.95, 0.95, 0.95])
    new[1]["cost"]["parameters"] = 7
    ((_, _, text),) = found(judged(base, new), "exact")
    assert text == "parameters: 260,749 -> 7 (seed 1)"


def test_a_domain_that_is_no_longer_tested_is_a_regression_and_a_new_one_is_not(judged, record):
    scored = record()["eval"]["color"]
    wide, narrow = record(eval={"color": scored, "texture": scored}), record()
    assert judged([narrow], [wide]).exit_code == 0
    comparison = judged([wide], [narrow])
    assert comparison.exit_code == 1
    assert "test pairs of texture: 2,000 -> 0" in comparison.notable[0].text


def test_records_from_before_data_were_named_are_compared_without(judged, record):
    assert judged([record(data={})], [record()]).exit_code == 0


def test_a_symmetric_fusion_that_comes_to_care_about_the_order_is_a_regression(judged, found, cells):
    base, new = cells("abs_diff", [0.95, 0.95]), cells("abs_diff", [0.95, 0.95])
    for record in base:
        record["eval"]["color"]["swap_gap"] = 1e-8
    new[0]["eval"]["color"]["swap_gap"] = 2e-8
    new[1]["eval"]["color"]["swap_gap"] = 0.034
    text = "symmetric, but its answers on color change by 0.034 on average when the images swap (seed 1)"
    assert found(judged(base, new), "exact") == [
        ("worse", "abs_diff × mobilenetv3_small_32 on color · finetune · warm-up names · recipe aaaaaaaa", text)
    ]
    for record in new:
        record["symmetric"] = False
    assert judged(base, new).exit_code == 0
