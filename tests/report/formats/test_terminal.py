"""The report on a terminal: it fits, stands best first, and says who may be the best."""

import sys
from types import SimpleNamespace

import pytest

from bench.report.formats.terminal import drawn, fitting
from bench.report.table import Grid

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


@pytest.mark.parametrize("failed", [8, 10])
def test_failures_that_are_not_named_are_counted(sweep, record, run_folder, bench_report, failed):
    broken = [record(f"f{number}", status="diverged", message="loss is nan") for number in range(failed)]
    text = bench_report(run_folder([*sweep[:12], *broken]), "--format", "terminal").stdout
    assert sum(line.startswith("failed: ") for line in text.splitlines()) == 8
    assert ("and 2 more; --verbose names them" in text) == (failed == 10)
    assert ("--verbose names them" in text) == (failed > 8)


@pytest.mark.parametrize("width", range(14, 40, 3))
def test_columns_that_do_not_fit_are_left_out_whole_from_the_right(width):
    grid = Grid(
        ["fusion", "n", "accuracy", "auc"], [["concat", "5", "**0.9**", "0.95"], ["sum", "5", "0.8", "0.85"]], 1
    )
    shown, left_out = fitting(grid, width)
    widths = [
        max(len(cell.replace("**", "")) for cell in column) for column in zip(shown.header, *shown.rows, strict=True)
    ]
    assert sum(widths) + 2 * (len(widths) - 1) <= max(width, len("concat") + 2 + len("accuracy"))
    assert {"fusion", "accuracy"} <= set(shown.header)
    assert sorted([*shown.header, *left_out]) == sorted(grid.header)
    assert ("auc" in shown.header) == (width >= 6 + 2 + 1 + 2 + 8 + 2 + 4)


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


def test_a_backbone_without_the_baseline_has_no_verdicts(record, run_folder, bench_report):
    records = [
        record(name, seed, 0.8 + 0.001 * seed, backbone="resnet18") for name in ("concat", "sum") for seed in range(4)
    ]
    records += [record("sum", seed, 0.7 + 0.001 * seed, backbone="tiny_vit") for seed in range(4)]
    text = bench_report(run_folder(records), "--format", "terminal", "--baseline", "concat").stdout
    rows = {tuple(line.split()[:2]): line for line in text.splitlines() if "±" in line}
    assert [place for place, row in rows.items() if "baseline" in row] == [("concat", "resnet18")]
    assert " - " in rows["sum", "tiny_vit"]


@pytest.mark.parametrize(("seeds", "marked"), [(1, "the best mean"), (2, "the best mean, or too close to it to tell")])
def test_from_one_or_two_seeds_nobody_is_said_to_be_the_best(record, run_folder, bench_report, seeds, marked):
    records = [record(fusion, seed, 0.9 - n / 10) for seed in range(seeds) for n, fusion in enumerate(NAMES)]
    text = " ".join(bench_report(run_folder(records), "--format", "terminal").stdout.split())
    assert f"By accuracy, {marked}: {NAMES[0]}" in text
    assert "(no inference: fewer than 3 seeds)" in text
    assert "May be the best" not in text


def test_marks_are_told(record, run_folder, bench_report):
    folder = run_folder(
        [record(name, seed, level) for name, level in (("sum", 0.9), ("mlb", 0.5)) for seed in range(3)]
    )
    text = " ".join(bench_report(folder, "--format", "terminal").stdout.split())
    assert "mlb † " in text
    assert "† not learned: accuracy within chance" in text


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


@pytest.fixture
def three_domains(record, run_folder):
    levels = {"attention": (0.95, 0.71, 0.82), "concat": (0.9, 0.7, 0.6)}
    return run_folder(
        [
            record(name, seed, level + seed / 1000, domain=domain)
            for name, own in levels.items()
            for domain, level in zip(("color", "letters", "texture"), own, strict=True)
            for seed in range(3)
        ]
    )


@pytest.mark.parametrize(
    ("width", "heads"),
    [
        (100, ["fusion", "mean", "behind", "points", "color", "letters", "texture"]),
        (60, ["fusion", "mean", "behind", "points", "color"]),
        (41, ["fusion", "mean", "behind", "points"]),
    ],
)
def test_domains_stand_beside_each_other_and_their_mean_stays(three_domains, bench_report, monkeypatch, width, heads):
    monkeypatch.setenv("COLUMNS", str(width))
    across, _, _ = bench_report(three_domains, "--format", "terminal").stdout.partition("Trained on color")
    assert across.startswith("Across domains · ")
    assert "Not worse than the best on the mean: attention (of 2)." in " ".join(across.split())
    assert max(map(len, across.splitlines())) <= width
    table = [line.split() for line in across.splitlines() if line.startswith(("fusion", "attention", "concat"))][-3:]
    assert table[0] == heads
    assert [row[0] for row in table[1:]] == ["attention", "concat"]
    assert ("No room for" in across) == (width < 100)


def test_a_single_domain_stands_beside_none(shown):
    assert "Across domains" not in shown()


def test_a_console_gets_bold_for_marks():
    table = drawn(Grid(["fusion", "mean"], [["concat", "**0.9**"], ["sum", "0.8"]], 1))
    assert [(str(cell), str(cell.style)) for cell in table.columns[1].cells] == [("0.9", "bold"), ("0.8", "")]
