"""Curves over the number of training pairs: which runs belong together, and what is drawn of them."""

import numpy as np
import pytest

from bench.plots.contract import NothingToDrawError, Source
from bench.plots.sample_efficiency import draw_sample_efficiency, sizes_of

SIZES = {400: 0.6, 1600: 0.8, 6400: 0.95}


@pytest.fixture
def cells(record):
    """Records of a fusion over three seeds, trained on so many pairs."""

    def make(fusion, pairs, level, **recipe):
        fields = {"batch_size": 64, "train_pairs": pairs, **recipe}
        recipe_id = f"{hash(repr(fields)) % 2**32:08x}"
        return [
            record(fusion, seed, level + seed / 100, recipe=fields, recipe_id=recipe_id, train_pairs=pairs)
            for seed in range(3)
        ]

    return make


@pytest.fixture
def groups(run_folder):
    return lambda records: sizes_of(Source.read([run_folder(records)]).sections_by_backbone)


def test_runs_that_differ_in_the_number_of_pairs_alone_belong_together(cells, groups):
    (sizes,) = groups([cell for pairs, level in SIZES.items() for cell in cells("concat", pairs, level)]).values()
    assert list(sizes) == [400, 1600, 6400]


def test_another_recipe_or_warm_up_is_another_picture(cells, groups):
    records = [*cells("concat", 400, 0.6), *cells("concat", 1600, 0.8), *cells("concat", 6400, 0.9, lr=0.1)]
    assert sorted(list(sizes) for sizes in groups(records).values()) == [[400, 1600], [6400]]
    for one in records[:3]:
        one["warmup"] = {**one["warmup"], "images": 1}
    assert sorted(list(sizes) for sizes in groups(records).values()) == [[400], [1600], [6400]]


def test_a_line_goes_through_the_means_and_gaps_are_left_out(cells, groups):
    records = [cell for pairs, level in SIZES.items() for cell in cells("concat", pairs, level)]
    records += [*cells("abs_diff", 400, 0.7), *cells("abs_diff", 6400, 0.9)]
    ((title, sizes),) = groups(records).items()
    figure = draw_sample_efficiency(title, sizes, "accuracy", ())
    lines = {bars.get_label(): bars.lines[0].get_ydata() for bars in figure.axes[0].containers}
    np.testing.assert_allclose(lines["concat"], [0.61, 0.81, 0.96])
    np.testing.assert_allclose(lines["abs_diff"], [0.71, 0.91])
    chosen = draw_sample_efficiency(title, sizes, "accuracy", ["abs_diff"])
    assert [bars.get_label() for bars in chosen.axes[0].containers] == ["abs_diff"]


def test_a_single_number_of_pairs_is_no_curve(cells, groups):
    ((title, sizes),) = groups(cells("concat", 400, 0.6)).items()
    with pytest.raises(NothingToDrawError, match="only 400 training pairs"):
        draw_sample_efficiency(title, sizes, "accuracy", ())


def test_the_command_draws_it_as_png_and_svg(cells, run_folder, bench_plot, tmp_path):
    folder = run_folder([cell for pairs, level in SIZES.items() for cell in cells("concat", pairs, level)])
    result = bench_plot(folder, "--kind", "sample-efficiency", "--format", "png,svg", "--out", tmp_path / "plots")
    assert result.exit_code == 0
    assert [file.suffix for file in sorted((tmp_path / "plots").iterdir())] == [".png", ".svg"]
