"""The quality tier: pairing, controls, other metrics, and what it says."""

import numpy as np
import pytest
from scipy import stats

from bench.gate.comparison import Rules, compare
from bench.gate.read import read_side

OTHERS = {name: [0.95, 0.96, 0.97] for name in ("concat", "hadamard", "cosine")}


@pytest.fixture
def sweep(cells):
    """Records of several fusions, with those given by name in place of the others."""

    def make(**given):
        return [record for name, values in {**OTHERS, **given}.items() for record in cells(name, values)]

    return make


def test_the_cell_that_dropped_on_every_seed_is_named(judged, found, sweep):
    comparison = judged(sweep(), sweep(concat=[0.91, 0.93, 0.93]))
    assert comparison.exit_code == 1
    quality = {cell: (word, text) for word, cell, text in found(comparison, "quality")}
    word, text = quality.pop("concat × mobilenetv3_small_32 on color · finetune · warm-up names · recipe aaaaaaaa")
    assert word == "worse"
    assert text.startswith("accuracy 0.960 -> 0.923: -3.67 points over 3 seeds")
    assert {word for word, _ in quality.values()} == {"same"}


def test_the_interval_is_that_of_a_paired_t_test(judged, found, sweep):
    old, new = [0.95, 0.96, 0.97], [0.91, 0.93, 0.93]
    low, high = stats.ttest_rel(new, old).confidence_interval(0.95)
    (text,) = [text for word, _, text in found(judged(sweep(), sweep(concat=new)), "quality") if word == "worse"]
    assert f"95 % interval {100 * low:+.2f} to {100 * high:+.2f}" in text


def test_the_same_run_is_the_same(judged, found, sweep):
    comparison = judged(sweep(), sweep())
    assert comparison.exit_code == 0
    assert {text for _, _, text in found(comparison, "quality")} == {"accuracy 0.960: the same on 3 seeds"}


def test_a_gain_is_better_and_no_regression(judged, found, sweep):
    comparison = judged(sweep(cosine=[0.80, 0.81, 0.82]), sweep())
    assert comparison.exit_code == 0
    assert ("better", "cosine × mobilenetv3_small_32 on color · finetune · warm-up names · recipe aaaaaaaa") in [
        one[:2] for one in found(comparison, "quality")
    ]


def test_a_metric_of_which_less_is_better_is_worse_where_it_rises(judged, found, sweep, plugin):
    plugin(
        """
        from bench.metrics import LOWER, Metric, register_metric


        @register_metric
        class Errors(Metric):
            '''Share of wrong decisions.'''

            name, direction, judged = "errors", LOWER, True

            def compute(self, scored):
                raise AssertionError("a reader computes nothing")
        """
    )
    base, new = sweep(), sweep(concat=[0.91, 0.93, 0.93], cosine=[0.98, 0.99, 1.0])
    for record in (*base, *new):
        record["eval"]["color"]["errors"] = 1 - record["eval"]["color"]["accuracy"]
    words = {cell.split()[0]: word for word, cell, _ in found(judged(base, new, metric="errors"), "quality")}
    assert words == {"concat": "worse", "cosine": "better", "hadamard": "same"}


def test_a_drop_on_some_seeds_only_is_undecided(judged, found, sweep):
    comparison = judged(sweep(), sweep(cosine=[0.95, 0.90, 0.90]))
    assert comparison.exit_code == 0
    assert [cell for word, cell, _ in found(comparison, "quality") if word == "undecided"] == [
        "cosine × mobilenetv3_small_32 on color · finetune · warm-up names · recipe aaaaaaaa"
    ]


def test_the_margin_is_what_is_of_no_interest(judged, sweep):
    new = sweep(concat=[0.91, 0.93, 0.93])
    assert judged(sweep(), new, margin=0.05).exit_code == 0
    assert judged(sweep(), new, margin=0.005).exit_code == 1


def test_seeds_are_paired_whatever_their_order(judged, sweep):
    assert judged(sweep(), sweep()[::-1]).exit_code == 0


def test_a_control_that_rises_above_chance_is_worse_and_one_that_falls_is_not(judged, cells):
    chance, risen = ([level] * 3 for level in (0.50, 0.60))
    control = {"family": "control"}
    assert judged(cells("single_image", chance, **control), cells("single_image", risen, **control)).exit_code == 1
    assert judged(cells("single_image", risen, **control), cells("single_image", chance, **control)).exit_code == 0


def test_another_metric_can_be_judged(judged, cells):
    base, new = cells("concat", [0.95] * 3), cells("concat", [0.95] * 3)
    for record in new:
        record["eval"]["color"]["auc"] = 0.85
    assert judged(base, new).exit_code == 0
    comparison = judged(base, new, metric="auc")
    assert comparison.exit_code == 1
    assert "auc 0.950 -> 0.850" in comparison.notable[0].text


def test_a_change_under_the_same_key_is_said_to_come_from_elsewhere(judged, cells, found):
    base = cells("concat", [0.95, 0.96, 0.95])
    moved = cells("concat", [0.951, 0.961, 0.951])
    ((_, _, text),) = found(judged(base, moved), "quality")
    assert "the key is the same" in text
    for record in moved:
        record["key"] = f"{record['seed']:016d}"
    comparison = judged(base, moved)
    ((_, _, text),) = found(comparison, "quality")
    assert "key" not in text
    assert "3 of them with other code" in comparison.summary


def test_five_seeds_with_noise_of_their_own_are_judged_by_their_interval(judged, cells):
    rng = np.random.default_rng(0)

    def run(drop):
        levels = [0.95 - drop * (index == 3) for index in range(8)]
        return [one for i, level in enumerate(levels) for one in cells(f"f{i}", rng.normal(level, 0.003, 5).tolist())]

    comparison = judged(run(0), run(0.03))
    assert [one.cell.split()[0] for one in comparison.findings if one.word == "worse"] == ["f3"]


def test_the_margin_that_the_new_run_declares_holds_unless_one_is_given(run_folder, cells, header):
    base = read_side(run_folder(cells("concat", [0.95, 0.951, 0.952, 0.953, 0.954]), "base"))
    worse = cells("concat", [0.92, 0.921, 0.922, 0.923, 0.924])
    tolerant = {**header, "config": {"jobs": 2, "gate_margin": 5}}
    new = read_side(run_folder(worse, "new", tolerant))
    assert compare(base, new, Rules()).exit_code == 0
    assert compare(base, new, Rules(margin=0.01)).exit_code == 1
    assert compare(base, read_side(run_folder(worse, "plain")), Rules()).exit_code == 1
