"""``bench plot``: which pictures come out of a leaderboard and of records, what they show, and why others do not."""

import numpy as np
import pytest
from scipy import stats

from bench.errors import UsageError
from bench.plots.contract import PLOTS, Source
from bench.plots.gallery import draw
from tests.plots.headings import heading_of


@pytest.fixture
def run(sweep, run_folder):
    return run_folder(sweep)


@pytest.fixture
def leaderboard(run, bench_report):
    bench_report(run)
    return run / "leaderboard.csv"


@pytest.fixture
def ten_seeds(record, run_folder):
    rng = np.random.default_rng(0)
    accuracy = {name: level + rng.normal(0, 0.01, 10) for name, level in [("good", 0.9), ("fair", 0.89), ("bad", 0.6)]}
    records = [
        record(name, seed, float(value)) for name, values in accuracy.items() for seed, value in enumerate(values)
    ]
    return run_folder(records), accuracy


def drawn(path, kind, metric="accuracy", fusions=()):
    figures, _ = draw([PLOTS.settle(kind).build()], Source.read([path]).chosen((), fusions), metric, fusions)
    return figures


def texts(figure):
    axes = figure.axes
    found = [label.get_text() for axis in axes for label in (*axis.get_xticklabels(), *axis.get_yticklabels())]
    return [*found, *(text.get_text() for axis in axes for text in axis.texts), heading_of(figure)]


def test_a_csv_file_alone_gives_pictures_of_its_table(leaderboard, bench_plot, tmp_path):
    result = bench_plot(leaderboard, "--kind", "all", "--out", tmp_path / "out", "--format", "svg")
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    table = "color-finetune-warm-up-names"
    each = [
        f"{kind}-{table}-{backbone}.svg"
        for kind in ("bars", "shifts")
        for backbone in ("mobilenetv3_small_32", "resnet18")
    ]
    assert names == sorted([*each, f"heatmap-{table}.svg", f"pareto-{table}.svg"])
    assert result.stdout == ""
    for kind in ("curves", "scores", "sample-efficiency", "psychometric"):
        assert f"not drawn: {kind}: a leaderboard.csv does not hold them; give the run folder" in result.stderr
    assert "no critical difference: 2 blocks that all fusions finished, it takes 10" in result.stderr


def test_a_single_picture_goes_into_the_file_that_is_named(run, bench_plot, tmp_path):
    out = tmp_path / "heat.png"
    bench_plot(run, "--kind", "heatmap", "--out", out)
    assert out.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"--out .*heat.png: 2 pictures \(bars-.*\); choose one, or give a folder"):
        bench_plot(run, "--kind", "bars", "--out", out)


def test_bars_stand_best_first_with_their_values(run):
    picture = drawn(run, "bars")["bars-color-finetune-warm-up-names-mobilenetv3_small_32"]
    (axis,) = picture.axes
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert names[2:] == ["hadamard", "cosine", "early", "single_image (control)"]
    widths = [patch.get_x() + patch.get_width() for patch in axis.patches]
    values = [float(text.get_text()) for text in axis.texts]
    assert axis.get_xlim()[1] <= 1
    assert values == pytest.approx(widths, abs=5e-4)
    assert values[:5] == sorted(values[:5], reverse=True)


def test_chosen_fusions_stand_beside_references_and_controls(run):
    picture = drawn(run, "bars", fusions=["concat"])["bars-color-finetune-warm-up-names-resnet18"]
    names = [label.get_text() for label in picture.axes[0].get_yticklabels()]
    assert names == ["concat", "single_image (control)"]


def test_the_front_is_numbered_and_the_worst_is_named(run):
    (picture,) = drawn(run, "pareto").values()
    legends = [text for text in texts(picture) if text.startswith("1 ")]
    assert len(legends) == 3
    assert all("early × " in legend.splitlines()[-1] for legend in legends)


def test_ranks_need_ten_blocks_and_agree_with_scipy(ten_seeds):
    folder, accuracy = ten_seeds
    (picture,) = drawn(folder, "ranks").values()
    (axis,) = picture.axes
    expected = stats.rankdata(-np.array(list(accuracy.values())), axis=0).mean(axis=1)
    order = np.argsort(expected)
    assert [label.get_text() for label in axis.get_yticklabels()] == [list(accuracy)[at] for at in order]
    assert [text.get_text() for text in axis.texts] == [f"{expected[at]:.1f}" for at in order]
    critical = stats.studentized_range.ppf(0.95, 3, np.inf) / np.sqrt(2) * np.sqrt(3 * 4 / (6 * 10))
    assert f"({critical:.1f})" in heading_of(picture)


def test_shifts_run_from_the_domain_trained_on_to_the_others(run):
    picture = drawn(run, "shifts")["shifts-color-finetune-warm-up-names-resnet18"]
    (axis,) = picture.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["color\n(trained on)", "texture"]
    assert any(text.get_text().startswith("abs_diff 0.7") for text in axis.texts)


def test_curves_are_means_over_seeds(record, run_folder):
    records = [record(seed=seed, curve=[[64, 0.7, 0.5], [128, loss, 0.9]]) for seed, loss in enumerate((0.1, 0.3))]
    (picture,) = drawn(run_folder(records), "curves").values()
    loss = picture.axes[0].lines[0]
    assert loss.get_xdata().tolist() == [64, 128]
    np.testing.assert_allclose(loss.get_ydata(), [0.7, 0.2])


def check(pairs, loss, stem):
    rest = {"validated": 100, "auc": None, "f1": 0.8, "precision": 0.8, "recall": 0.8, "threshold": 0.0}
    return {"pairs": pairs, "loss": loss, "gradients": {"stem": stem, "head": 2.0}, **rest}


def test_what_was_watched_stands_in_the_curves_and_has_a_picture_of_its_gradients(
    record, run_folder, bench_plot, tmp_path
):
    folder = run_folder([record(seed=0, checks=[check(64, 0.6, 1.0), check(128, 0.9, 3.0)]), record(seed=1)])
    (picture,) = drawn(folder, "curves").values()
    loss, f1 = picture.axes
    assert loss.lines[1].get_xdata().tolist() == [64, 128]
    assert loss.lines[1].get_ydata().tolist() == [0.6, 0.9]
    assert f1.lines[1].get_ydata().tolist() == [0.8, 0.8]
    assert loss.get_ylim()[1] > 0.9
    (picture,) = drawn(folder, "gradients").values()
    assert [line.get_ydata().tolist() for line in picture.axes[0].lines[:2]] == [[1.0, 3.0], [2.0, 2.0]]
    with pytest.raises(UsageError, match=r"no training was watched \(--checks\)"):
        bench_plot(run_folder([record()], "plain"), "--kind", "gradients", "--out", tmp_path / "out")


def test_scores_are_split_by_label(record, run_folder):
    one = record()
    folder = run_folder([one])
    scores, label = np.array([2.0, 1.5, -1.0, -2.0, -0.5], dtype=np.float32), np.array([1, 1, 0, 0, 0], dtype=np.uint8)
    (folder / "scores").mkdir()
    np.savez(folder / "scores" / f"{one['key']}.npz", **{"color": scores, "color/label": label})
    (picture,) = drawn(folder, "scores").values()
    axis = picture.axes[0]
    counts = [sum(bar.get_height() for bar in bars) for bars in axis.containers]
    assert counts == [2, 3]


def test_scores_of_a_collapsed_cell_are_drawn_and_named_so(record, run_folder) -> None:
    one = record(status="collapsed", message="all scores are the same")
    folder = run_folder([one])
    (folder / "scores").mkdir()
    file = folder / "scores" / f"{one['key']}.npz"
    np.savez(file, **{"color": np.ones(4, np.float32), "color/label": np.array([1, 1, 0, 0], np.uint8)})
    (picture,) = drawn(folder, "scores").values()
    assert picture.axes[0].get_title() == "abs_diff, seed 0 (collapsed)"
    file.write_bytes(file.read_bytes()[:50])
    figures, missing = draw([PLOTS.settle("scores").build()], Source.read([folder]), "accuracy")
    assert not figures
    assert f"{file}: scores that cannot be read" in missing[0]


def test_names_with_dollar_signs_and_without_end_are_no_formulas_and_no_files(record, run_folder) -> None:
    domain = "folder:path=$a$ {b}_c^" + "x" * 300
    folder = run_folder([record("mlb:mode=$\\nope$", seed, domain=domain) for seed in (0, 1)])
    for kind in ("bars", "heatmap"):
        ((name, figure),) = drawn(folder, kind).items()
        figure.draw_without_rendering()
        assert any("$" in text for text in texts(figure))
        assert len(name) <= 150


def test_what_is_not_there_is_said_in_one_line(run, bench_plot, tmp_path):
    with pytest.raises(UsageError, match=r"^scores: .*no scores with labels"):
        bench_plot(run, "--kind", "scores", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="unknown plot 'scorse': did you mean scores"):
        bench_plot(run, "--kind", "scorse")
    with pytest.raises(UsageError, match=r"--metric: unknown 'acuracy'; did you mean 'accuracy'"):
        bench_plot(run, "--metric", "acuracy")


def test_ranks_of_any_metric_with_a_better_direction_come_from_records(record, run_folder, bench_report):
    rng = np.random.default_rng(0)
    auc = {name: level + rng.normal(0, 0.01, 10) for name, level in [("good", 0.9), ("fair", 0.89), ("bad", 0.6)]}
    records = []
    for name, values in auc.items():
        for seed, value in enumerate(values):
            one = record(name, seed, 0.8)
            one["eval"]["color"]["auc"] = float(value)
            records.append(one)
    folder = run_folder(records)
    (picture,) = drawn(folder, "ranks", "auc").values()
    expected = np.sort(stats.rankdata(-np.array(list(auc.values())), axis=0).mean(axis=1))
    assert [text.get_text() for text in picture.axes[0].texts] == [f"{rank:.1f}" for rank in expected]
    assert "mean rank of auc" in heading_of(picture)
    bench_report(folder)
    for path, metric, reason in (
        (folder / "leaderboard.csv", "auc", "seeds of accuracy, not of auc; give the run folder"),
        (folder, "threshold", "neither more nor less of threshold is better"),
    ):
        _, missing = draw([PLOTS.settle("ranks").build()], Source.read([path]), metric, ())
        assert reason in missing[0]


def test_names_at_the_end_of_shifts_keep_apart_though_chance_widens_the_axis(record, run_folder):
    records = [
        record(name, seed, 0.9 + place / 1e3, abroad={"texture": 0.9})
        for place, name in enumerate("abcd")
        for seed in range(3)
    ]
    (picture,) = drawn(run_folder(records), "shifts").values()
    (axis,) = picture.axes
    low, high = axis.get_ylim()
    assert low < 0.5
    heights = sorted(text.xyann[1] for text in axis.texts if text.get_text()[0] in "abcd" and "0.9" in text.get_text())
    assert len(heights) == 4
    assert min(np.diff(heights)) > 0.029 * (high - low)
