"""Which differences are of no interest: declared with the run, unless the command line says otherwise."""

import pytest

import bench
from bench.errors import UsageError


@pytest.fixture
def runs(record, run_folder):
    """A folder of run folders, each of which declares a margin: a fusion two points ahead of the other, 10 seeds."""

    def make(*margins):
        for number, margin in enumerate(margins):
            seeds = range(number * 10, number * 10 + 10)
            cells = [record("concat", seed, 0.9 + seed / 1e4) for seed in seeds]
            cells += [record("abs_diff", seed, 0.92 + seed % 3 / 1e4) for seed in seeds]
            config = {} if margin is None else {"equivalence_margin": margin}
            folder = run_folder(cells, f"all/run{number}", {"config": {"jobs": 2, **config}})
        return folder.parent

    return make


@pytest.mark.parametrize(
    ("declared", "given", "said"),
    [
        (None, (), "abs_diff by 1.96 points"),
        (5, (), "No difference larger than 5 points from concat: abs_diff"),
        (5, ("--margin", "1"), "abs_diff by 1.96 points"),
        (None, ("--margin", "2.5"), "No difference larger than 2.5 points from concat: abs_diff"),
    ],
)
def test_the_margin_of_the_configuration_holds_unless_one_is_given(runs, bench_report, declared, given, said):
    text = " ".join(bench_report(runs(declared), "--baseline", "concat", *given).stdout.split())
    assert said in text
    assert f"larger than {given[1] if given else declared or 1} point" in text


def test_runs_that_declare_different_margins_need_one_on_the_command_line(runs, bench_report):
    folder = runs(5, None)
    with pytest.raises(UsageError, match=r"different values of equivalence_margin: 1 and 5 points; give --margin"):
        bench_report(folder, "--baseline", "concat")
    assert bench_report(folder, "--baseline", "concat", "--margin", "1").exit_code == 0
    assert bench_report(folder).exit_code == 0


def test_a_margin_without_a_baseline_or_of_nothing_is_refused(runs, bench_report):
    folder = runs(None)
    with pytest.raises(UsageError, match="--margin belongs to --baseline"):
        bench_report(folder, "--margin", "1")
    for margin in ("0", "-1", "inf", "nan", "101"):
        with pytest.raises(UsageError, match=f"--margin {margin}: expected more than 0 points, and 100 at most"):
            bench_report(folder, "--baseline", "concat", "--margin", margin)
    with pytest.raises(UsageError, match="--margin -5"):
        bench.load(folder).compare("concat", margin=-5)
    with pytest.raises(UsageError, match="equivalence_margin 'much' is not a number"):
        bench_report(runs("much"), "--baseline", "concat")
