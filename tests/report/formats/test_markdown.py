"""What a reader of the Markdown tables sees."""

import pandas as pd
import pytest
from scipy import stats

from bench.text import human


@pytest.fixture
def markdown(run_folder, bench_report):
    return lambda records, *options, **kwargs: bench_report(run_folder(records, **kwargs), *options).stdout


def by_fusion(table):
    return {row["fusion"].split()[0]: row for row in table}


def plain(cell):
    return cell.strip("*")


def test_numbers_agree_with_an_independent_computation(sweep, markdown, tables):
    main, controls, *_ = tables(markdown(sweep))
    flat = pd.DataFrame(
        {**{key: record[key] for key in ("fusion", "backbone", "seed")}, "domain": domain, **metrics}
        for record in sweep
        for domain, metrics in record["eval"].items()
    )
    seen = 0
    for row in main + controls:
        chosen = flat[(flat.fusion == row["fusion"].split()[0]) & (flat.backbone == row["backbone"])]
        headers = {"color": "{} ↑", "texture": "texture {} ↑"}
        for (domain, metric), header in {(d, m): headers[d] for d in headers for m in ("accuracy", "auc")}.items():
            values = chosen[chosen.domain == domain][metric]
            if values.empty:
                continue
            half_width = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
            assert plain(row[header.format(metric)]) == f"{values.mean():.3f} ± {half_width:.3f}"
            assert row["n"] == str(len(values))
            seen += 1
    assert seen == 2 * 6 * 4


def test_rows_are_sorted_by_backbone_then_best_first(sweep, markdown, tables):
    main, *_ = tables(markdown(sweep))
    order = [(row["backbone"], row["fusion"].split()[0]) for row in main]
    fusions = ["abs_diff", "concat", "hadamard", "cosine", "early", "joint_tokens"]
    assert order == [(backbone, name) for backbone in ("mobilenetv3_small_32", "resnet18") for name in fusions]


def test_a_metric_where_less_is_better_sorts_and_bolds_the_lowest(record, metrics, markdown, tables):
    records = [
        record(name, seed, eval={"color": metrics(0.9, brier=level + (name == "close") * seed / 1000)})
        for name, level in {"good": 0.05, "close": 0.0495, "bad": 0.3}.items()
        for seed in range(3)
    ]
    main = tables(markdown(records, "--metric", "brier"))[0]
    assert [row["fusion"] for row in main] == ["good", "close", "bad"]
    assert [row["brier ↓"].startswith("**") for row in main] == [True, True, False]


def test_bold_is_everyone_who_is_not_worse_than_the_best(record, markdown, tables):
    levels = {"best": (0.960, 0.965, 0.970), "near": (0.955, 0.964, 0.966), "far": (0.90, 0.904, 0.91)}
    records = [record(name, seed, value) for name, values in levels.items() for seed, value in enumerate(values)]
    rows = by_fusion(tables(markdown(records))[0])
    assert rows["best"]["accuracy ↑"].startswith("**")
    assert rows["near"]["accuracy ↑"].startswith("**")
    assert not rows["far"]["accuracy ↑"].startswith("**")


def test_winners_are_chosen_per_backbone(record, markdown, tables):
    records = [
        record(name, seed, level + seed / 1000, backbone=backbone)
        for backbone, levels in {"a": {"x": 0.9, "y": 0.7}, "b": {"x": 0.6, "y": 0.8}}.items()
        for name, level in levels.items()
        for seed in range(3)
    ]
    bold = {(row["backbone"], row["fusion"]) for row in tables(markdown(records))[0] if "**" in row["accuracy ↑"]}
    assert bold == {("a", "x"), ("b", "y")}


def test_one_seed_shows_the_bare_mean_and_bolds_only_ties(record, markdown, tables):
    text = markdown([record("a", accuracy=0.95), record("b", accuracy=0.95), record("c", accuracy=0.949)])
    rows = by_fusion(tables(text)[0])
    assert [rows[name]["accuracy ↑"] for name in "abc"] == ["**0.950**", "**0.950**", "0.949"]
    assert "±" not in text


def test_nobody_wins_where_nobody_learned(record, markdown, tables):
    records = [record(name, seed, 0.5 + seed / 1000) for name in ("a", "b") for seed in range(3)]
    text = markdown(records)
    assert "**" not in text
    assert [row["fusion"] for row in tables(text)[0]] == ["a †", "b †"]
    assert "† not learned: accuracy within chance" in text


def test_the_mark_of_chance_follows_the_number_of_test_pairs(record, metrics, markdown, tables):
    few = [record("few", eval={"color": metrics(0.53, n=200)}), record("many", eval={"color": metrics(0.53, n=20_000)})]
    assert {row["fusion"] for row in tables(markdown(few))[0]} == {"few †", "many"}


def test_scores_that_rank_but_do_not_separate_are_not_called_not_learned(record, metrics, markdown, tables):
    text = markdown([record("shifted", eval={"color": metrics(0.5, auc=0.98, accuracy_tuned=0.93)})])
    assert tables(text)[0][0]["fusion"] == "shifted ‡"
    assert "‡ accuracy within chance, but the AUC is not" in text
    assert "accuracy_tuned: shifted × mobilenetv3_small_32 (0.930)" in " ".join(text.split())
    assert "†" not in text


def test_where_validation_would_choose_a_better_threshold_it_is_said(record, metrics, markdown, tables):
    """By more than two standard errors of a coin, 2 * sqrt(0.25 / 2000) = 0.0224."""
    tuned = {"off": 0.834, "near": 0.722, "before": None}
    values = {name: {"accuracy_tuned": value} if value else {} for name, value in tuned.items()}
    text = markdown([record(name, eval={"color": metrics(0.7, auc=0.9, **more)}) for name, more in values.items()])
    assert {row["fusion"] for row in tables(text)[0]} == {"off ¶", "near", "before"}
    assert text.count("¶") == 2
    assert "¶ the threshold at 0 is off" in text
    assert "accuracy_tuned: off × mobilenetv3_small_32 (0.834)" in " ".join(text.split())


def test_single_seeds_that_did_not_learn_are_named(record, markdown, tables):
    text = markdown([record("moody", seed, value) for seed, value in enumerate((0.97, 0.501, 0.98))])
    assert tables(text)[0][0]["fusion"] == "moody §"
    assert "§ some seeds not learned, their accuracy is within chance: moody × mobilenetv3_small_32 (1 of 3)" in text


def test_controls_stand_apart_with_chance_unmarked_and_not_bold(sweep, markdown, tables):
    main, controls, *_ = tables(markdown(sweep))
    assert "single_image" not in by_fusion(main)
    assert [row["fusion"] for row in controls] == ["single_image", "single_image", "chance"]
    assert not any("**" in cell or "†" in cell for row in controls for cell in row.values())
    chance = controls[-1]
    assert (chance["accuracy ↑"], chance["auc ↑"], chance["f1 ↑"]) == ("0.500", "0.500", "-")
    assert "### References and controls" in markdown(sweep)


def test_a_control_that_beats_everyone_takes_no_bold_away(record, markdown, tables):
    main, controls, _ = tables(markdown([record("a", accuracy=0.8), record("k", accuracy=0.99, family="control")]))
    assert main[0]["accuracy ↑"] == "**0.800**"
    assert controls[0]["accuracy ↑"] == "0.990"


def test_failed_seeds_are_counted_and_listed(sweep, markdown, tables):
    text = markdown(sweep)
    row = next(row for row in tables(text)[0] if row["fusion"] == "hadamard" and row["backbone"] == "resnet18")
    assert (row["n"], row["failed"]) == ("2", "1")
    assert "- hadamard × resnet18, seed 1: diverged, `DivergedError: loss is nan at step 12`" in text


def test_repeated_failures_are_one_line_and_a_run_of_failures_still_has_a_table(record, markdown, tables):
    messages = ["boom | `x`\nsecond line", "boom | `x`\nsecond line", ""]
    records = [record("bad", seed, status="error", message=message) for seed, message in enumerate(messages)]
    text = markdown(records)
    row = tables(text)[0][0]
    assert (row["n"], row["failed"], row["accuracy ↑"], row["params"]) == ("0", "3", "-", "-")
    assert "- bad × mobilenetv3_small_32, seeds 0, 1: error, `DivergedError: boom | 'x'`" in text
    assert "- bad × mobilenetv3_small_32, seed 2: error\n" in text
    assert "No cell finished." in text


def test_a_long_message_is_cut(record, markdown):
    text = markdown([record("bad", status="error", message="x" * 5000)])
    assert "x" * 150 in text
    assert "x" * 450 not in text


def test_combinations_that_do_not_apply_have_a_row_and_a_reason(sweep, markdown, tables):
    text = markdown(sweep)
    rows = [row for row in tables(text)[0] if row["fusion"] == "joint_tokens"]
    assert len(rows) == 2
    assert {row["accuracy ↑"] for row in rows} == {"n/a"}
    assert "- joint_tokens × resnet18: needs transformer blocks" in text


def test_the_failed_column_is_only_there_when_something_failed(record, markdown, tables):
    assert "failed" not in tables(markdown([record()]))[0][0]


def test_the_backbone_column_is_only_there_for_several(record, markdown, tables):
    text = markdown([record()])
    assert "backbone" not in tables(text)[0][0]
    assert "Backbone mobilenetv3_small_32: 6,400 training pairs; warm-up: quality 0.840" in text


def test_costs_come_in_short_and_can_be_left_out(record, markdown, tables):
    row = tables(markdown([record(), record(seed=1), record(seed=2)]))[0][0]
    costs = [row[name] for name in ("params", "MACs", "train pairs/s", "infer pairs/s")]
    assert costs == ["261 k", "7.9 M", "561", "3.0 k"]
    text = markdown([record()], "--cost", "macs,params")
    assert list(tables(text)[0][0])[-2:] == ["MACs", "params"]
    assert "Pairs/s are indicative" not in text
    assert "params" not in tables(markdown([record()], "--cost", "none"))[0][0]
    assert "params" in tables(markdown([record()], "--cost", "*"))[0][0]


def test_macs_that_leave_operators_out_say_so(record, markdown, tables):
    cost = {**record()["cost"], "uncounted": ["linalg_svd"]}
    text = markdown([record(cost=cost)])
    assert tables(text)[0][0]["MACs"] == "≥ 7.9 M"
    assert "- `linalg_svd`: abs_diff × mobilenetv3_small_32" in text


def test_metrics_on_other_domains(record, markdown, tables):
    records = [record(abroad={"texture": 0.7, "clutter": 0.6})]
    columns = list(tables(markdown(records))[0][0])
    abroad = ["clutter accuracy ↑", "clutter auc ↑", "texture accuracy ↑", "texture auc ↑"]
    assert columns[2:9] == ["accuracy ↑", "f1 ↑", "auc ↑", *abroad]
    assert list(tables(markdown(records, "--metric", "f1,p_same", "--cost", "none"))[0][0]) == [
        "fusion", "n", "f1 ↑", "p_same", "clutter f1 ↑", "texture f1 ↑",
    ]  # fmt: skip


@pytest.mark.parametrize("abroad", [1, 5])
def test_bold_is_as_sure_as_the_domain_with_the_fewest_seeds_allows(record, markdown, abroad):
    records = [
        record(name, seed, level + 0.001 * seed, abroad={"texture": level - 0.1} if seed < abroad else {})
        for name, level in (("concat", 0.9), ("sum", 0.8))
        for seed in range(5)
    ]
    text = " ".join(markdown(records, "--baseline", "concat").split())
    assert ("Bold: best in the column, or too close to it to tell." in text) == (abroad == 1)
    assert ("with 95 % confidence the truly best one is among them" in text) == (abroad == 5)
    assert text.count("Not worse than the best: concat") == (1 if abroad == 1 else 2)


@pytest.mark.parametrize(
    ("value", "text"),
    [(2, "2"), (0, "0"), (8.34, "8.3"), (560.1, "560"), (999.4, "999"), (999.6, "1.0 k"), (16641, "16.6 k"),
     (99_960, "100 k"), (260749, "261 k"), (999_600, "1.0 M"), (7850880, "7.9 M"), (2.1e9, "2.1 G"), (5e15, "5000 T")],
)  # fmt: skip
def test_human_units(value, text):
    assert human(value) == text
