"""What may share a table, and what the caption says about it."""

import re

import pytest


@pytest.fixture
def markdown(run_folder, bench_report):
    return lambda records, *options: bench_report(run_folder(records), *options).stdout


def headings(text):
    return re.findall(r"^## (.*)$", text, re.MULTILINE)


def one_line(text):
    return " ".join(text.split())


def test_protocol_domain_and_warmup_never_share_a_table(record, markdown):
    records = [
        record(),
        record(protocol="frozen"),
        record(domain="texture"),
        record(warmup={"task": "none"}, protocol="scratch"),
        record(warmup={"task": "centre", "seed": 0}),
    ]
    assert headings(markdown(records)) == [
        "Trained on color · finetune · warm-up centre",
        "Trained on color · finetune · warm-up names",
        "Trained on color · frozen · warm-up names",
        "Trained on color · scratch · no warm-up",
        "Trained on texture · finetune · warm-up names",
        "Provenance",
    ]


def test_two_warmup_seeds_are_two_tables(record, markdown):
    other = {"task": "names", "seed": 1, "quality": 0.8, "seconds": 1.0, "images": 10}
    assert headings(markdown([record(), record(warmup=other, key="1" * 16)]))[:2] == [
        "Trained on color · finetune · warm-up names (seed 0)",
        "Trained on color · finetune · warm-up names (seed 1)",
    ]


def test_one_recipe_per_backbone_shares_a_table_and_is_stated(record, markdown, tables):
    text = markdown(
        [record(), record(backbone="resnet18", recipe_id="bbbbbbbb", train_pairs=12_800, warmup={"task": "names"})]
    )
    assert len(headings(text)) == 2
    assert "- Backbone mobilenetv3_small_32: 6,400 training pairs; warm-up: quality 0.840, 51,200 images, 50 s" in text
    assert "- Backbone resnet18: 12,800 training pairs; recipe bbbbbbbb." in text
    assert len(tables(text)) == 2


def test_two_recipes_of_one_backbone_are_two_tables(record, markdown):
    text = markdown([record(), record(recipe_id="bbbbbbbb"), record(backbone="resnet18", recipe_id="bbbbbbbb")])
    assert [heading.split(" · ")[-1] for heading in headings(text)[:2]] == ["recipe aaaaaaaa", "recipe bbbbbbbb"]


def test_recipes_of_other_training_pairs_are_told_apart_by_them_the_fewest_first(record, markdown):
    pairs = {"aaaaaaaa": 9600, "bbbbbbbb": 150, "cccccccc": 2400}
    found = headings(markdown([record(recipe_id=recipe, train_pairs=n) for recipe, n in pairs.items()]))
    told = ["150 training pairs", "2,400 training pairs", "9,600 training pairs"]
    assert [heading.split(" · ")[-1] for heading in found[:3]] == told


def test_caption_states_the_conditions(record, markdown):
    text = one_line(markdown([record(seed=seed, abroad={"texture": 0.7}) for seed in range(2)]))
    assert "Protocol finetune on color, from warm-up names (seed 0), shared by all seeds: " in text
    assert "the intervals do not include its variance." in text
    assert "Tested on 2,000 pairs of each domain, the same for all seeds: intervals do not include their draw" in text
    assert "; columns that name no domain are color." in text
    assert "2 seeds (0, 1); ± is the half width of the 95 % t interval over seeds; " in text
    assert "no inference: fewer than 3 seeds. Bold: best in the column, or too close to it to tell." in text
    assert "6,400 training pairs; warm-up: quality 0.840, 51,200 images, 50 s, paid once; recipe aaaaaaaa" in text


def test_no_warning_from_three_seeds_on(record, markdown):
    text = one_line(markdown([record(seed=seed) for seed in range(3)]))
    assert "3 seeds (0, 1, 2)" in text
    assert "no inference" not in text
    assert "Bold: not worse than the best in the column (with 95 % confidence" in text


def test_seeds_that_differ_between_rows_are_pointed_out(record, markdown):
    rows = [record("a", 0), record("a", 1), record("b", 0)]
    assert "1 to 2 seeds (column n)" in one_line(markdown(rows))
    assert "2 seeds, not the same ones in every row" in one_line(markdown([*rows, record("b", 7)]))
    more = one_line(markdown([*rows, record("a", 2), record("a", 3)]))
    assert "no inference: fewer than 3 seeds. Bold: best in the column, or too close to it to tell." in more


def test_seeds_that_shared_a_pass_are_why_rates_are_missing(record, markdown):
    records = [record("concat", seed, 0.9, execution={"seeds_together": 3}) for seed in range(3)]
    for one in records:
        one["cost"]["train_pairs_per_s"] = None
    alone = [record("abs_diff", seed, 0.9) for seed in range(3)]
    said = "Up to 3 seeds were trained in one pass: such cells have no rate of training."
    assert said in " ".join(markdown([*records, *alone]).split())
    assert "in one pass" not in markdown(alone)


def test_scratch_has_no_warmup_to_speak_of(record, markdown):
    text = markdown([record(protocol="scratch", warmup={"task": "none"})])
    assert "Protocol scratch on color, without a warm-up." in text
    assert "warm-up: quality" not in text


def test_the_quality_of_a_warmup_is_named_after_its_measure(record, markdown):
    facts = {"task": "centre", "seed": 0, "quality": 1.5, "measure": "rmse_px", "better": "lower", "images": 1000}
    text = markdown([record(warmup=facts)])
    assert "warm-up: rmse_px 1.500 (lower is better), 1,000 images" in text
    named = markdown([record(warmup={**facts, "measure": "accuracy", "better": "higher"})])
    assert "warm-up: accuracy 1.500, 1,000 images" in named


def test_a_warmup_without_a_seed_claims_none(record, markdown):
    text = markdown([record(warmup={"task": "imagenet"})])
    assert "from warm-up imagenet, shared by all seeds" in one_line(text)
    assert "Tested on 2,000 pairs. 1 seed (0); no inference" in one_line(text)


def test_a_folder_of_controls_alone(record, markdown, tables):
    text = markdown([record("single_image", family="control")])
    assert "Only controls here." in text
    assert [row["fusion"] for row in tables(text)[0]] == ["single_image", "chance"]


def test_a_name_with_a_bar_does_not_break_the_table(record, markdown, tables):
    assert tables(markdown([record("odd:mode=a|b")]))[0][0]["fusion"] == "odd:mode=a|b"
