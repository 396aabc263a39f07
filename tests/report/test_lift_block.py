"""What fusions add to a control that is above chance, paired by seed; nothing where controls are at chance."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

HEADING = "### Over the controls"


@pytest.fixture
def cells(record):
    """Records of a fusion and of two controls on three seeds, one of them at chance."""

    def make(pixels: list[float]):
        made = []
        for seed, (fusion, control) in enumerate(zip([0.8, 0.78, 0.83], pixels, strict=True)):
            made.append(record("concat", seed=seed, accuracy=fusion))
            made.append(record("pixel_distance", seed=seed, accuracy=control, family="control", role="control"))
            made.append(record("single_image", seed=seed, accuracy=0.5, family="control", role="control"))
        return made

    return make


def test_the_lift_is_paired_by_seed(cells, run_folder, bench_report, tables):
    pixels = [0.7, 0.71, 0.72]
    folder = run_folder(cells(pixels))
    text = bench_report(folder, "--metric", "accuracy").stdout
    (row,) = tables(text.split(HEADING)[1])[0]
    lift = np.array([0.8, 0.78, 0.83]) - pixels
    half = stats.t.ppf(0.975, 2) * lift.std(ddof=1) / np.sqrt(3)
    assert row == {"fusion": "concat", "over pixel_distance: Δ accuracy": f"{lift.mean():.3f} ± {half:.3f}"}
    assert "pixel_distance is above chance on " in text
    (section,) = json.loads(bench_report(folder, "--metric", "accuracy", "--format", "json").stdout)["sections"]
    (found,) = section["lifts"]
    assert (found["lift"], found["half_width"]) == pytest.approx((lift.mean(), half))
    assert r"over pixel\_distance: $\Delta$ accuracy" in bench_report(folder, "--format", "tex").stdout


def test_controls_at_chance_or_below_lift_nothing(cells, run_folder, bench_report):
    for pixels in ([0.505, 0.5, 0.51], [0.4, 0.4, 0.4]):
        assert HEADING not in bench_report(run_folder(cells(pixels))).stdout
