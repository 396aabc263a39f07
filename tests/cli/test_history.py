"""``bench history`` as a user calls it."""

import pytest

from tests.conftest import make_record, write_run


@pytest.fixture
def runs(tmp_path):
    for name, day, accuracy in (("old", "01", 0.8), ("new", "02", 0.9)):
        records = [make_record(fusion, seed, accuracy + 0.002 * seed) for fusion in "ab" for seed in range(2)]
        write_run(tmp_path / name, records, {"schema": 1, "created": f"2026-03-{day}T00:00:00+00:00", "config": {}})
    return tmp_path


def test_table_and_picture_of_two_runs(bench, runs, capfd, tmp_path):
    picture = tmp_path / "picture.svg"
    assert bench("history", runs / "new", runs / "old", "--fusion", "a", "--picture", picture) == 0
    printed = capfd.readouterr()
    (row,) = [line for line in printed.out.splitlines() if line.startswith("| a ")]
    assert [cell.strip() for cell in row.split("|")[2:5]] == ["**+10.00 ± 0.32**", "0.901 ± 0.013", "0.801 ± 0.013"]
    assert "| b " not in printed.out
    assert "wrote" in printed.err
    assert ">a</text>" in picture.read_text()
    assert bench("history", runs, "--format", "terminal") == 0
    assert "new, 2026-03-02" in capfd.readouterr().out


def test_a_metric_may_be_named_by_a_glob(bench, runs, capfd):
    assert bench("history", runs, "--metric", "fpr*,") == 0
    assert "fpr95" in capfd.readouterr().out


@pytest.mark.parametrize("form", ["md", "csv", "terminal"])
def test_runs_of_one_name_are_told_apart(bench, runs, capfd, form, tmp_path):
    for name in ("old", "new"):
        (runs / name).rename(runs / f"_{name}")
        (runs / name).mkdir()
        (runs / f"_{name}").rename(runs / name / "quick")
    picture = tmp_path / "picture.svg"
    assert bench("history", runs / "old", runs / "new", "--format", form, "--picture", picture) == 0
    shown = capfd.readouterr().out
    assert "old/quick" in shown
    assert "new/quick" in shown
    assert "new/quick" in picture.read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--metric", "accuracie"), "did you mean 'accuracy'"),
        (("--format", "xml"), "unknown 'xml'"),
        (("--fusion", "z"), "unknown 'z'"),
        (("--picture", "x.gif"), "--picture x.gif: expected a folder, or a file that ends in"),
        (("--metric", "d_prime,auc"), "--metric"),
    ],
)
def test_bad_options_exit_2(bench, runs, options, message, capfd):
    assert bench("history", runs, *options) == 2
    assert message in capfd.readouterr().err
