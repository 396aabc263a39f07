"""The command: options, errors, formats, determinism, and what it loads."""

import json
import random
import subprocess
import sys
import time

import pytest

from bench.errors import StorageError, UsageError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--metric", "acuracy"], "--metric: unknown 'acuracy'; did you mean 'accuracy'.*allowed: accuracy, balanced"),
        (["--metric", "acc"], "did you mean 'accuracy'"),
        (["--metric", ","], "--metric: no name given"),
        (["--cost", "mac"], "--cost: unknown 'mac'; did you mean 'macs'.*allowed: params, macs, train, infer, none"),
        (["--cost", "none,macs"], "stands alone"),
        (["--format", "xlsx"], "unknown report format 'xlsx': known: csv, html, json, md, terminal, tex"),
        (["--format", "md,csv"], "unknown report format 'md,csv': did you mean csv or md"),
    ],
)
def test_a_wrong_name_is_explained_before_anything_is_read(bench_report, tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        bench_report(tmp_path / "missing", *options)


def test_json_has_the_rows_captions_and_sources(sweep, run_folder, bench_report):
    content = json.loads(bench_report(run_folder(sweep), "--format", "json").stdout)
    assert content["schema"] == 1
    (section,) = content["sections"]
    assert section["recipe_ids"] == ["aaaaaaaa", "bbbbbbbb"]
    assert section["failed"] == ["hadamard × resnet18, seed 1: diverged, `DivergedError: loss is nan at step 12`"]
    assert any("warm-up names" in sentence for sentence in section["caption"])
    assert len(content["rows"]) == 26
    assert {row["accuracy_mean"] for row in content["rows"] if row["not_applicable"]} == {None}
    assert content["provenance"][0]["torch"] == "2.9.1"


def test_out_takes_the_place_of_stdout(sweep, run_folder, bench_report, tmp_path):
    folder = run_folder(sweep)
    expected = bench_report(folder).stdout
    result = bench_report(folder, "--out", tmp_path / "table.md")
    assert result.stdout == ""
    assert (tmp_path / "table.md").read_text() == expected
    with pytest.raises(StorageError, match=r"table\.md: exists and is no folder"):
        bench_report(folder, "--out", tmp_path / "table.md" / "table.md")


@pytest.mark.parametrize("form", ["md", "csv", "json"])
def test_the_order_in_which_cells_finished_does_not_matter(sweep, record, run_folder, bench_report, form):
    expected = bench_report(run_folder(sweep), "--format", form).stdout
    for seed in range(5):
        shuffled = random.Random(seed).sample(sweep, len(sweep))
        killed = [{**cell, "status": "killed", "eval": {}, "cost": {}} for cell in shuffled[:7]]
        assert bench_report(run_folder(killed + shuffled), "--format", form).stdout == expected


def test_the_order_of_paths_does_not_matter(sweep, run_folder, bench_report):
    first, second = run_folder(sweep[::2], "first"), run_folder(sweep[1::2], "second")
    texts = {bench_report(*paths).stdout for paths in ([first, second], [second, first], [first.parent])}
    assert len(texts) == 1


def test_provenance_and_the_worth_of_the_rates(record, run_folder, bench_report):
    text = bench_report(run_folder([record()])).stdout
    assert "Pairs/s are indicative: measured while 2 workers shared the machine (threads per worker: 1" in text
    line = "git 0123456789 + uncommitted changes, torch 2.9.1, Test CPU, 2 workers, 1 thread per worker"
    assert f"- demo: 2026-03-01T10:00:00+00:00, {line}" in text


def test_the_gpus_that_a_run_computed_on_are_named(record, run_folder, bench_report):
    header = {"hardware": {"cpu": "Test CPU", "gpus": ["Test GPU", "Test GPU"]}}
    on_both = bench_report(run_folder([record()], "gpu", header={"device": "cuda", **header})).stdout
    assert "2 x Test GPU, Test CPU, 2 workers" in on_both
    assert "Test GPU" not in bench_report(run_folder([record()], "cpu", header={"device": "cpu", **header})).stdout


def test_sessions_under_other_conditions_are_listed(record, run_folder, bench_report):
    earlier = [
        {"created": "2026-02-01", "git": {"sha": "abcdef", "dirty": False}, "config": {"jobs": 1}},
        {"created": "2026-02-02", "git": {"sha": "abcdef", "dirty": False}, "config": {"jobs": 1}},
    ]
    text = bench_report(run_folder([record()], header={"earlier": earlier})).stdout
    assert "- demo: 2026-02-01, git abcdef, 1 worker\n- demo: 2026-03-01" in text
    assert "2026-02-02" not in text
    assert "while 2 workers shared" in text, "that of the session which the cell ran in"


def test_a_run_without_its_header_is_reported(record, run_folder, bench_report):
    folder = run_folder([record()])
    (folder / "run.json").unlink()
    text = bench_report(folder).stdout
    assert "- demo: no run.json" in text
    assert "Pairs/s are left out" in text


def test_what_is_left_out_is_said(record, run_folder, bench_report):
    old = record("concat", key="0" * 16, finished="2026-01-01")
    first, second = run_folder([old, record("concat")], "first"), run_folder([record("concat")], "second")
    text = " ".join(bench_report(first, second).stdout.split())
    assert "Left out: 1 older record of cells that were run again with other code, data or test pairs" in text
    assert "Left out: 1 record of cells that another of these runs finished later." in text


PLUGIN = '''
"""A format of one's own."""

from bench.report.formats import ReportFormat, register_report_format


@register_report_format
class Names(ReportFormat):
    """The fusions of each table, the best one first."""

    name = "names"

    def __init__(self, first: int = 100) -> None:
        self.first = first

    def render(self, report):
        tables = (section.ranked("fusion", report.metrics[0])[: self.first] for section in report.sections)
        return "".join(" ".join(entry.group.fusion for entry in table) + "\\n" for table in tables)
'''


def test_a_format_of_ones_own_is_one_file(record, run_folder, bench_report, tmp_path, registries):
    folder = run_folder([record("concat", accuracy=0.9), record("abs_diff", accuracy=0.8), record("hadamard")])
    file = tmp_path / "names.py"
    with pytest.raises(UsageError, match="unknown report format 'names'"):
        bench_report(folder, "--format", "names")
    file.write_text(PLUGIN)
    assert bench_report(folder, "--format", "names", "--include", file).stdout == "hadamard concat abs_diff\n"
    assert bench_report(folder, "--format", "names:first=2", "--include", file).stdout == "hadamard concat\n"
    with pytest.raises(UsageError, match="report format names:frist=2: unknown parameter 'frist'; allowed: first"):
        bench_report(folder, "--format", "names:frist=2", "--include", file)


def test_nothing_heavy_is_imported(sweep, run_folder):
    code = (
        "import sys; from bench.cli.report import report; import pathlib; light = set(sys.modules);"
        f"report([pathlib.Path({str(run_folder(sweep))!r})], 'accuracy', 'params', 'md', None);"
        "heavy = {'torch', 'timm', 'sklearn', 'matplotlib', 'pandas', 'scipy.stats'};"
        'sys.exit(f\'{heavy & set(sys.modules)} {light & {"numpy", "scipy"}}\''
        " if heavy & set(sys.modules) or light & {'numpy', 'scipy'} else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_unicode_reaches_a_pipe_that_is_no_utf8(record, run_folder):
    code = "from bench.cli.report import report; import pathlib, sys;"
    code += f"report([pathlib.Path({str(run_folder([record()]))!r})], 'accuracy', 'params', 'md', None)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONIOENCODING": "ascii", "PATH": ""}
    )
    assert "accuracy ↑" in done.stdout.decode()


def test_a_report_of_fifty_records_is_quick(sweep, run_folder, bench_report):
    folder = run_folder(sweep)
    bench_report(folder)
    spent = []
    for _ in range(3):
        started = time.process_time()
        bench_report(folder)
        spent.append(time.process_time() - started)
    assert min(spent) < 0.2


@pytest.mark.parametrize("form", ["md", "terminal", "json"])
def test_a_sweep_that_is_not_done_says_so(record, run_folder, bench_report, form):
    records = [record(name, seed) for name in ("concat", "abs_diff") for seed in range(3)]
    told = "3 or more of the 9 cells that were asked for have no record yet; the same command goes on"
    assert told in " ".join(bench_report(run_folder(records, header={"cells": 9}), "--format", form).stdout.split())
    whole = run_folder(records, "whole", header={"cells": 6})
    assert "have no record yet" not in bench_report(whole, "--format", form).stdout
