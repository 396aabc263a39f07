"""Psychometric curves: which ones are drawn, their thresholds, and the picture."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.errors import UsageError
from bench.plots.contract import NothingToDrawError, Source
from bench.plots.psychometric import FACTORS, Curve, Sweeps, threshold

LEVELS = {
    "radius": (2.0, 2.5, 3.0, 5.0, 8.0),
    "contrast": (0.05, 0.1, 0.3, 1.0),
    "noise": (0.0, 0.1, 0.3, 0.6),
}  # fmt: skip


@pytest.fixture
def swept(record, metrics, strata):
    """A record with sweeps; accuracy by level is ``base`` plus a tenth of the level's place."""

    def make(name="abs_diff", seed=0, base=0.5, curves=("radius",), **fields):
        scored = {"color": metrics(base + 0.4)}
        for curve in curves:
            names = [f"{curve} {level:g}" for level in LEVELS[curve]]
            accuracy = {own: base + place / 10 for place, own in enumerate(names)}
            # As read from a file whose levels are in no order.
            found = strata(dict.fromkeys(reversed(names), 0.5), accuracy)
            scored[f"color:shift=sweep_{curve}"] = {**metrics(0.7), "strata": found}
        return record(name, seed, eval=scored, **fields)

    return make


@pytest.fixture
def sweeps(run_folder):
    return lambda records, *curves: Sweeps(Source.read([run_folder(records)]).sections_by_backbone, curves)


def curve_of(levels, accuracy):
    empty = np.full(len(levels), np.nan)
    return Curve("x", "fusion", "", np.array(levels, dtype=float), np.array(accuracy, dtype=float), empty)


def names_of(row):
    return [[curve.name for curve in panel.curves] for panel in row.panels]


def test_curves_are_means_over_seeds_with_intervals_sorted_by_level(swept, sweeps):
    bases = (0.50, 0.55, 0.52)
    (row,) = sweeps([swept(seed=seed, base=base) for seed, base in enumerate(bases)]).rows()
    (curve,) = row.panels[0].curves
    assert curve.levels.tolist() == list(LEVELS["radius"])
    np.testing.assert_allclose(curve.accuracy, np.mean(bases) + np.arange(5) / 10, atol=1e-12)
    np.testing.assert_allclose(curve.half_width, stats.t.ppf(0.975, 2) * stats.sem(bases), atol=1e-12)
    assert row.note == "mean over 3 seeds, band: 95 % t interval"


@given(st.lists(st.floats(0.4, 1.0), min_size=5, max_size=5, unique=True).map(sorted))
def test_the_threshold_of_a_rising_curve_is_its_interpolated_inverse(accuracy):
    found = threshold(curve_of(LEVELS["radius"], accuracy), FACTORS["radius"])
    if accuracy[0] >= 0.75:
        assert found == math.inf
    elif accuracy[-1] < 0.75:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(np.interp(0.75, accuracy, LEVELS["radius"]))


def test_thresholds_follow_the_direction_and_the_scale_of_the_axis():
    assert threshold(curve_of([0, 0.1, 0.3], [1.0, 0.9, 0.6]), FACTORS["noise"]) == pytest.approx(0.2)
    halfway = threshold(curve_of([0.1, 0.4, 1.0], [0.65, 0.85, 0.9]), FACTORS["contrast"])
    assert halfway == pytest.approx(math.sqrt(0.1 * 0.4))


def test_a_curve_that_dips_counts_from_its_easy_end():
    assert threshold(curve_of([2, 3, 4, 5], [0.8, 0.7, 0.8, 0.9]), FACTORS["radius"]) == pytest.approx(3.5)


def test_references_follow_the_fusions_and_the_better_informed_oracle_is_drawn(swept, sweeps):
    reference = {"family": "reference"}
    names = ("mask_oracle", "template_oracle", "name_then_xnor")
    fusion, mask, template, naming = swept(), *(swept(name, **reference) for name in names)
    control = swept("single_image", family="control")
    (row,) = sweeps([fusion, mask, template, naming, control]).rows()
    assert names_of(row) == [["abs_diff", "name_then_xnor", "template_oracle"]]
    (row,) = sweeps([fusion, mask, control]).rows()
    assert names_of(row) == [["abs_diff", "mask_oracle"]]


def test_the_best_eight_are_drawn_by_name_unless_others_are_named(swept, sweeps):
    records = [swept(f"f{number}", base=0.4 + number / 100) for number in range(10)]
    found = sweeps(records)
    (row,) = found.rows()
    assert names_of(row) == [[f"f{number}" for number in range(2, 10)]]
    assert row.note == "1 seed; best 8 of 10 fusions"
    (row,) = found.rows(["f0", "f9"])
    assert names_of(row) == [["f0", "f9"]]
    assert row.note == "1 seed"


def test_each_backbone_has_a_row_and_each_sweep_a_panel(swept, sweeps):
    first = swept(curves=("noise", "radius"), backbone="x")
    second = swept(curves=("radius",), backbone="y")
    rows = sweeps([first, second]).rows()
    assert [row.title.split(" · ")[-1] for row in rows] == ["x", "y"]
    assert [[panel.factor.shift for panel in row.panels] for row in rows] == [["sweep_radius", "sweep_noise"]] * 2
    assert names_of(rows[1]) == [["abs_diff"], []]
    assert [row.title.split(" · ")[-1] for row in sweeps([first, second], "noise").rows()] == ["x"]


def test_who_has_no_accuracy_at_any_level_has_no_curve(swept, sweeps):
    lost = swept("concat")
    for one in lost["eval"]["color:shift=sweep_radius"]["strata"].values():
        one["accuracy"] = None
    (row,) = sweeps([swept(), lost]).rows()
    assert names_of(row) == [["abs_diff"]]


def test_a_missing_sweep_says_how_to_get_it(swept, record, sweeps):
    with pytest.raises(
        NothingToDrawError, match=r"no sweep of radius, contrast, noise .*--eval sweep_radius,sweep_contrast,sweep_n"
    ):
        sweeps([record()])
    with pytest.raises(
        NothingToDrawError, match=r"no sweep of noise here; get it with bench run .* --eval sweep_noise$"
    ):
        sweeps([swept()], "radius", "noise")
    assert len(sweeps([swept()], "radius").rows()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--curve", "radios"], "plot psychometric: curve: unknown 'radios'; did you mean 'radius'"),
        (["--fusion", "abs_dif"], "--fusion: unknown 'abs_dif'; did you mean 'abs_diff'"),
        (["--domain", "texture"], "--domain: unknown 'texture'; allowed: color"),
        (["--out", "curves.jpg"], "--out curves.jpg: expected a folder, or a file that ends in .png, .svg, .pdf"),
        (["--out", "/dev/null/curves.png"], "/dev/null: exists and is no folder"),
        (["--fusion", ",".join(f"f{number}" for number in range(9))], "--fusion: at most 8"),
    ],
)
def test_wrong_options_are_explained(swept, run_folder, bench_plot, options, message):
    records = [swept(), *(swept(f"f{number}") for number in range(9))]
    with pytest.raises(UsageError, match=message):
        bench_plot(run_folder(records), "--kind", "psychometric", *options)


def test_pictures_by_suffix(swept, run_folder, bench_plot, tmp_path):
    records = [
        swept(name, seed, base, curves=("radius", "contrast", "noise"), family=family)
        for seed in range(2)
        for name, base, family in [("abs_diff", 0.5, "embedding"), ("name_then_xnor", 0.55, "reference")]
    ]
    folder = run_folder(records)
    svg, png = tmp_path / "curves.svg", tmp_path / "curves.png"
    assert bench_plot(folder, "--out", svg, "--kind", "psychometric").stderr == f"wrote {svg}\n"
    drawn = svg.read_text()
    labels = [
        "radius of a disc of the figure's area (pixels)",
        "accuracy",
        "abs_diff: 4.00 px",
        "name_then_xnor: 3.00 px",
    ]
    assert [label for label in labels if f">{label}</text>" not in drawn] == []
    bench_plot(folder, "--out", png, "--curve", "noise,radius")
    short = png.read_bytes()
    bench_plot(folder, "--out", png, "--kind", "psychometric:curve=noise+radius")
    assert png.read_bytes() == short
    assert short.startswith(b"\x89PNG")
