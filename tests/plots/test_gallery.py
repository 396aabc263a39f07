"""Files of pictures: formats in which text stays text, and the look that is asked for."""

import pytest
from PIL import Image

from bench.errors import UsageError
from bench.plots.gallery import save
from bench.plots.style import Look, looking, new_figure
from tests.plots.headings import heading_of


@pytest.fixture
def run(sweep, run_folder):
    return run_folder([one for one in sweep if one["backbone"] == "resnet18"])


def test_the_default_is_the_forest_plot_and_bars_of_a_csv(run, bench_plot, bench_report, tmp_path):
    bench_report(run)
    for path, kind in ((run, "forest"), (run / "leaderboard.csv", "bars")):
        bench_plot(path, "--out", tmp_path / kind)
        assert {file.name.split("-")[0] for file in (tmp_path / kind).iterdir()} == {kind}


def test_text_of_svg_and_pdf_is_text_and_the_same_picture_is_the_same_file(tmp_path):
    files = {}
    for number in range(2):
        figure = new_figure(4, 2, "Which fusion?")
        figure.subplots().plot([0, 1])
        for suffix in ("svg", "pdf")[: 2 - number]:
            save(figure, tmp_path / f"{number}.{suffix}")
            files[number, suffix] = (tmp_path / f"{number}.{suffix}").read_bytes()
    assert b"Which fusion?</text>" in files[0, "svg"]
    assert b"/FontFile2" in files[0, "pdf"]  # TrueType, which editors and search read
    assert files[0, "svg"] == files[1, "svg"]


def test_width_and_title_are_those_asked_for_and_globs_choose_fusions(run, bench_plot, tmp_path):
    out = tmp_path / "one.png"
    bench_plot(run, "--fusion", "*a*", "--width", 5, "--title", "Mine", "--kind", "heatmap", "--out", out)
    with Image.open(out) as picture:
        assert picture.width == 5 * 130
    with pytest.raises(UsageError, match=r"--fusion: unknown 'zz\*'"):
        bench_plot(run, "--fusion", "zz*", "--out", out)
    with pytest.raises(UsageError, match=r"--out .*heat\.png beside --format svg: its end names the format"):
        bench_plot(run, "--kind", "heatmap", "--format", "svg", "--out", tmp_path / "heat.png")
    with pytest.raises(UsageError, match="--curve radius: belongs to --kind psychometric, not to heatmap"):
        bench_plot(run, "--kind", "heatmap", "--curve", "radius")
    with pytest.raises(UsageError, match=r"a/leaderboard\.csv: a leaderboard\.csv is drawn alone"):
        bench_plot("a/leaderboard.csv", run)
    with pytest.raises(UsageError, match=r"--width 0\.5: expected 2 to 40 inches"):
        bench_plot(run, "--width", 0.5)


def test_a_title_replaces_the_conditions_and_an_empty_one_the_note_too():
    with looking(Look(title="Mine")):
        assert heading_of(new_figure(4, 2, "Trained on color", "5 seeds")) == "Mine 5 seeds"
    with looking(Look(title="")):
        assert heading_of(new_figure(4, 2, "Trained on color", "5 seeds")) == ""
    assert heading_of(new_figure(4, 2, "Trained on color", "5 seeds")) == "Trained on color 5 seeds"
