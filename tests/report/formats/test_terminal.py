"""The report on a terminal: it fits, stands best first, and says who may be the best."""

import sys
from types import SimpleNamespace

import pytest

NAMES = ("abs_diff", "concat", "cosine", "early", "hadamard")


@pytest.fixture
def shown(sweep, run_folder, bench_report, monkeypatch):
    folder = run_folder(sweep)

    def show(*args, width=100):
        monkeypatch.setenv("COLUMNS", str(width))
        return bench_report(folder, "--format", "terminal", *args).stdout

    return show


@pytest.mark.parametrize("width", [50, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_names_and_the_metric_stay(shown, width):
    text = shown(width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "accuracy ↑" in text
    assert ("infer pairs/s" in text.split("No room for")[0]) == (width == 200)


def test_rows_stand_best_first_whatever_the_backbone(shown):
    rows = [line for line in shown().splitlines() if line.startswith(NAMES) and "±" in line]
    means = [float(line.split(" ± ")[0].split()[-1]) for line in rows]
    assert len(means) == 10
    assert means == sorted(means, reverse=True)


def test_who_may_be_the_best_stands_above_and_verdicts_in_the_rows(shown):
    text = shown("--baseline", "concat")
    assert "May be the best by accuracy with resnet18: abs_diff" in text
    assert {"baseline", "worse"} <= set(text.split())
    assert "## Provenance" not in text


def test_prose_comes_when_asked_for(sweep, run_folder, bench_report):
    text = bench_report(run_folder(sweep), "--format", "terminal:verbose=true").stdout
    assert text.index("May be the best") < text.index("## Provenance")


def test_on_a_terminal_it_is_the_default_and_elsewhere_markdown(sweep, run_folder, bench_report, monkeypatch):
    folder = run_folder(sweep)
    assert bench_report(folder).stdout.startswith("## Trained on color")
    command = sys.modules["bench.cli.report"]
    monkeypatch.setattr(command, "sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True)))
    assert "May be the best by" in bench_report(folder).stdout
    assert "May be the best by" not in bench_report(folder, "--out", folder / "table.md").stdout
    assert (folder / "table.md").read_text().startswith("## Trained on color")
