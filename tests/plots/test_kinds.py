"""Kinds of pictures as an axis: one of one's own in a single file, parameters, and what is refused."""

import pytest
from PIL import Image

from bench.errors import UsageError
from bench.plots.contract import PLOTS

MINE = """
    from bench.errors import UsageError
    from bench.plots.contract import NothingToDrawError, Plot, register_plot
    from bench.plots.style import new_figure


    @register_plot
    class Mine(Plot):
        \"\"\"As many crosses as there are lines.

        Args:
            size: in inches.
        \"\"\"

        name = "mine"
        NEEDS

        def __init__(self, size: float = 4.0) -> None:
            self.size = size

        def jobs(self, source, metric, fusions):
            for board in source.boards:
                yield board.title, lambda board=board: self.draw(board, metric)

        def draw(self, board, metric):
            lines = board.ranked("fusion", metric)
            if len(lines) < 2:
                raise NothingToDrawError(f"{board.title}: a single line")
            figure = new_figure(self.size, 3, board.title)
            figure.subplots().plot(lines[f"{metric}_mean"].to_numpy(), "x")
            return figure
"""


@pytest.fixture
def mine(plugin):
    return lambda needs="": plugin(MINE.replace("NEEDS", needs), load=False)


@pytest.fixture
def run(sweep, record, run_folder):
    return run_folder([*sweep, record(protocol="frozen")])


@pytest.fixture
def leaderboard(run, bench_report):
    bench_report(run)
    return run / "leaderboard.csv"


def test_a_kind_in_a_file_outside_the_repository_is_drawn(mine, run, leaderboard, bench_plot, tmp_path):
    out = tmp_path / "out"
    for path in (run, leaderboard):
        result = bench_plot(path, "--include", mine(), "--kind", "mine:size=5", "--out", out)
        (file,) = out.iterdir()
        assert file.name == "mine-color-finetune-warm-up-names.png"
        assert "not drawn: mine: Trained on color · frozen · warm-up names: a single line" in result.stderr
        with Image.open(file) as picture:
            assert picture.width == 5 * 130
        file.unlink()


def test_all_has_it_too_and_globs_and_repeated_options_choose(mine, run, bench_plot, tmp_path):
    out = tmp_path / "out"
    bench_plot(run, "--include", mine(), "--kind", "all", "--out", out)
    assert {file.name.split("-")[0] for file in out.iterdir()} == {
        "bars",
        "curves",
        "forest",
        "heatmap",
        "mine",
        "pareto",
        "profiles",
        "shifts",
        "verdicts",
    }
    bench_plot(run, "--kind", "h*,bars", "--kind", "mine", "--kind", "mine:size=3", "--out", tmp_path / "few")
    names = sorted(file.name for file in (tmp_path / "few").iterdir() if "frozen" not in file.name)
    table = "color-finetune-warm-up-names"
    assert [name for name in names if not name.startswith("bars")] == [
        f"heatmap-{table}.png",
        f"mine-{table}-2.png",
        f"mine-{table}.png",
    ]


@pytest.mark.parametrize("kind", ["mine", "curves", "sample-efficiency", "scores", "psychometric"])
def test_a_kind_that_needs_records_says_so_of_a_csv(mine, leaderboard, bench_plot, kind):
    include = ["--include", mine('needs = "records"')] if kind == "mine" else []
    with pytest.raises(UsageError, match=f"^{kind}: a leaderboard.csv does not hold them; give the run folder$"):
        bench_plot(leaderboard, "--kind", kind, *include)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("scores:bin=30", "plot scores:bin=30: unknown parameter 'bin'; allowed: bins"),
        ("scores:bins=many", "plot scores:bins=many: bins must be int, got 'many'"),
        ("scores:bins=0", "plot scores: bins = 0: expected at least 1"),
        ("bars:bins=1", "plot bars:bins=1: unknown parameter 'bins'; allowed: none"),
        ("psychometric:curve=radios", "plot psychometric: curve: unknown 'radios'; did you mean 'radius'"),
        ("heat", "unknown plot 'heat': did you mean heatmap"),
    ],
)
def test_a_wrong_kind_is_one_line(run, bench_plot, kind, message):
    with pytest.raises(UsageError) as error:
        bench_plot(run, "--kind", kind)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_name_that_is_taken_is_refused(plugin, run, bench_plot):
    file = plugin(MINE.replace("NEEDS", "").replace('"mine"', '"bars"'), load=False)
    with pytest.raises(UsageError, match="two plots are named 'bars'"):
        bench_plot(run, "--include", file)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("name = 'x'", "plot X does not define jobs()"),
        ("def jobs(self, source, metric, fusions): return []", "plot X does not state 'name'"),
        (
            "name, needs = 'x', 'csv'\n    def jobs(self, source, metric, fusions): return []",
            "plot X: needs must be one of lines, records",
        ),
    ],
)
def test_a_class_that_breaks_the_contract_is_named(run, bench_plot, registries, tmp_path, body, problem):
    file = tmp_path / "broken.py"
    head = "from bench.plots.contract import Plot, register_plot\n\n@register_plot\nclass X(Plot):\n    '''Shows.'''\n"
    file.write_text(f"{head}    {body}\n")
    with pytest.raises(UsageError) as error:
        bench_plot(run, "--include", file, "--kind", "x")
    assert f"plug-ins that failed to load: broken.py (TypeError: {problem})" in str(error.value)


def test_every_kind_says_what_it_shows_and_has_defaults():
    for name in PLOTS:
        assert PLOTS.settle(name).build().name == name
        assert (PLOTS.get(name).__doc__ or "").splitlines()[0].endswith(".")
