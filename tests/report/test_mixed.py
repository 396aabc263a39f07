"""Runs read together: what may stand in one table, what is said about it, and what is paired."""

import csv
import io
import json
import statistics

import pytest

from bench.errors import UsageError

OTHER = {"hardware": {"cpu": "Other CPU", "cores": 64, "capability": "AVX512"}}
WARMUP = {"task": "names", "seed": 0, "quality": 0.84, "seconds": 50.1, "images": 51200}


@pytest.fixture
def cells(record):
    """Records of a fusion over seeds, each with a key of its own per name."""
    return lambda fusion, seeds, level=0.9, **fields: [
        record(fusion, seed, round(level + seed / 1000, 4), **fields) for seed in seeds
    ]


@pytest.fixture
def text(bench_report):
    return lambda *args: " ".join(bench_report(*args).stdout.split())


def lines(report):
    return {row["fusion"]: row for row in csv.DictReader(io.StringIO(report.stdout))}


def test_rates_of_several_machines_do_not_stand_in_one_table(cells, run_folder, bench_report, text, tables):
    run_folder(cells("concat", range(3)), "all/here")
    there = run_folder(cells("abs_diff", range(2)), "all/there", OTHER)
    folder = there.parent
    (row, _) = tables(bench_report(folder).stdout)[0]
    assert not [name for name in row if "pairs/s" in name]
    assert row["params"] == "261 k"
    found = text(folder)
    assert "From 2 machines" in found
    assert "Other CPU, 64 cores, AVX512, 2 workers, 1 thread each, float32 (2 cells)" in found
    assert "Test CPU, 2 workers, 1 thread each, float32 (3 cells)" in found
    assert "Pairs/s are indicative" not in found
    assert "From 2 machines" not in text(there)
    assert [name for name in tables(bench_report(there).stdout)[0][0] if "pairs/s" in name]


def test_a_row_of_several_machines_has_no_rate_and_names_them(cells, run_folder, bench_report):
    run_folder([*cells("concat", range(3)), *cells("abs_diff", range(3))], "all/here")
    folder = run_folder(cells("concat", range(3, 6)), "all/there", OTHER).parent
    rows = lines(bench_report(folder, "--format", "csv"))
    assert rows["concat"]["train_pairs_per_s"] == ""
    assert rows["concat"]["machines"].count("|") == 1
    assert float(rows["abs_diff"]["train_pairs_per_s"]) == statistics.median([560.1, 561.1, 562.1])
    assert rows["abs_diff"]["machines"] == "Test CPU, 2 workers, 1 thread each, float32"
    assert int(rows["concat"]["n_seeds"]) == 6


def test_a_folder_that_went_on_elsewhere_is_of_two_machines(cells, run_folder, bench_report, text):
    first = {"created": "2026-03-01T09:00:00+00:00", "config": {"jobs": 2}, "threads": 1, "precision": "float32"}
    first |= {"hardware": {"cpu": "Test CPU"}}
    header = {**OTHER, "created": "2026-03-01T11:00:00+00:00", "earlier": [first]}
    late = cells("abs_diff", range(3), finished="2026-03-01T12:00:00+00:00")
    folder = run_folder([*cells("concat", range(3)), *late], "resumed", header)
    rows = lines(bench_report(folder, "--format", "csv"))
    assert rows["concat"]["machines"].startswith("Test CPU")
    assert rows["abs_diff"]["machines"].startswith("Other CPU")
    assert "From 2 machines" in text(folder)


def test_rates_of_an_unknown_machine_are_left_out(cells, run_folder, bench_report, text):
    folder = run_folder(cells("concat", range(3)))
    (folder / "run.json").unlink()
    assert "Pairs/s are left out: run.json does not say" in text(folder)
    assert lines(bench_report(folder, "--format", "csv"))["concat"]["infer_pairs_per_s"] == ""


def test_every_format_says_so(cells, run_folder, bench_report):
    run_folder(cells("concat", range(3)), "all/here")
    folder = run_folder(cells("abs_diff", range(3)), "all/there", OTHER).parent
    for name in ("md", "tex", "json", "html"):
        found = " ".join(bench_report(folder, "--format", name).stdout.split())
        assert "From 2 machines" in found, name
    (section,) = json.loads(bench_report(folder, "--format", "json").stdout)["sections"]
    assert "Other CPU" in section["caption"][0]


def test_protocols_warmups_and_recipes_of_several_folders_have_tables_of_their_own(
    cells, run_folder, bench_report, tables
):
    run_folder(cells("concat", range(3)), "all/finetune")
    run_folder(cells("concat", range(3), protocol="frozen"), "all/frozen")
    run_folder(cells("concat", range(3), warmup={**WARMUP, "task": "centre"}), "all/centre")
    folder = run_folder(cells("concat", range(3), recipe_id="bbbbbbbb"), "all/recipe").parent
    found = bench_report(folder).stdout
    assert sum(line.startswith("## Trained on") for line in found.splitlines()) == 4
    assert "not paired" not in found
    assert all(len(table) == 1 for table in tables(found)[::2])


def verdicts(report):
    return {name: (row["n_shared"], row["verdict"]) for name, row in lines(report).items() if row["verdict"]}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"warmup": {**WARMUP, "quality": 0.8412}}, "was warmed up 2 times (quality 0.84, 0.8412)"),
        ({"data": {"color": {"version": 2}}}, "version 1 in 5 cells, version 2 in 5 cells"),
        ({"data": {"color": {"version": 1, "content": {"path": "abc"}}}}, "version 1 of other files (abc) in 5 cells"),
    ],
)
def test_runs_from_another_start_or_on_other_data_are_not_paired(cells, run_folder, bench_report, text, fields, said):
    known = {"data": {"color": {"version": 1}}, "warmup": WARMUP}
    run_folder(cells("concat", range(5), 0.9, **known), "all/here")
    folder = run_folder(cells("abs_diff", range(5), 0.95, **{**known, **fields}), "all/there").parent
    assert verdicts(bench_report(folder, "--baseline", "concat", "--format", "csv")) == {
        "abs_diff": ("0", "too few seeds")
    }
    found = text(folder, "--baseline", "concat")
    assert said in found
    assert "not paired" in found


def test_warm_ups_of_replicates_differ_and_those_of_one_replicate_do_not(record, run_folder, text):
    def replicates(fusion, more=0.0):
        starts = {seed: {"task": "names", "quality": 0.8 + seed / 100 + more, "images": 51200} for seed in range(4)}
        return [record(fusion, seed, 0.9, repeats="replicate", warmup=start) for seed, start in starts.items()]

    run_folder(replicates("concat"), "all/here")
    folder = run_folder(replicates("abs_diff"), "all/there").parent
    assert "was warmed up" not in text(folder)
    run_folder(replicates("hadamard", 0.004)[:1], "all/apart")
    assert "was warmed up 2 times (quality 0.8, 0.804)" in text(folder)


def test_runs_with_other_numbers_of_test_pairs_are_not_paired(cells, record, metrics, run_folder, bench_report, text):
    run_folder(cells("concat", range(5)), "all/here")
    few = [record("abs_diff", seed, eval={"color": metrics(0.95, n=500)}) for seed in range(5)]
    folder = run_folder(few, "all/there").parent
    assert verdicts(bench_report(folder, "--baseline", "concat", "--format", "csv"))["abs_diff"][0] == "0"
    assert "color in every cell (2,000 pairs in 5 cells, 500 pairs in 5 cells)" in text(folder)


def test_another_machine_or_a_fusion_without_a_warmup_can_be_paired(cells, run_folder, bench_report):
    run_folder(cells("concat", range(6), 0.9), "all/here")
    run_folder(cells("abs_diff", range(6), 0.95), "all/there", OTHER)
    folder = run_folder(cells("two_channel", range(6), 0.6, warmup={"task": "names"}), "all/pixels").parent
    found = verdicts(bench_report(folder, "--baseline", "concat", "--format", "csv"))
    assert found == {"abs_diff": ("6", "better"), "two_channel": ("6", "worse")}


def test_only_the_seeds_that_cannot_be_paired_are_left_out(cells, run_folder, bench_report):
    base = cells("concat", range(8), 0.9)
    run_folder(base, "all/here")
    own = [*cells("abs_diff", range(6), 0.95), *cells("abs_diff", (6, 7), 0.95, warmup={**WARMUP, "quality": 0.7})]
    folder = run_folder(own, "all/there").parent
    assert verdicts(bench_report(folder, "--baseline", "concat", "--format", "csv")) == {"abs_diff": ("6", "better")}


def test_ranks_are_over_the_seeds_that_can_be_paired(cells, run_folder, text):
    run_folder([*cells("concat", range(6)), *cells("sum", range(6), 0.8)], "all/here")
    own = cells("abs_diff", range(6), 0.95)
    own[5]["warmup"] = {**WARMUP, "quality": 0.7}
    folder = run_folder(own, "all/there").parent
    assert "Mean rank by accuracy over 5 seeds" in text(folder, "--baseline", "concat")
    own[4]["warmup"] = {**WARMUP, "quality": 0.7}
    run_folder(own, "all/there")
    assert "None: 3 of 3 fusions finished all of 6 seeds, 2 of which cannot be paired" in text(
        folder, "--baseline", "concat"
    )


def test_the_pareto_plot_has_no_throughput_of_several_machines(cells, run_folder, bench_plot, tmp_path):
    run_folder(cells("concat", range(3)), "all/here")
    folder = run_folder(cells("abs_diff", range(3)), "all/there", OTHER).parent
    out = tmp_path / "pareto.svg"
    assert bench_plot(folder, "--kind", "pareto", "--out", out).exit_code == 0
    assert "infer pairs/s" not in out.read_text()
    assert "no pairs/s" in out.read_text()
    assert bench_plot(folder / "here", "--kind", "pareto", "--out", out).exit_code == 0
    assert "infer pairs/s" in out.read_text()
    assert "no pairs/s" not in out.read_text()


def test_what_is_no_run_among_several_paths_is_left_out_and_named(
    cells, run_folder, bench_report, bench_plot, tmp_path
):
    run = run_folder(cells("concat", range(3)), "all/here")
    other = run.parent / "reference"
    other.mkdir()
    (other / "board.csv").write_text("a,b\n")
    result = bench_report(run, other, other / "board.csv")
    assert "| concat" in result.stdout
    assert f"left out: {other}, no run in it" in result.stderr
    assert f"left out: {other / 'board.csv'}, no run in it" in result.stderr
    assert "left out" not in bench_report(run).stderr
    assert f"left out: {other}" in bench_plot(run, other, "--kind", "bars", "--out", tmp_path / "bars.png").stderr
    with pytest.raises(UsageError, match="no such folder"):
        bench_report(run, run.parent / "missing")
    with pytest.raises(UsageError, match="no records here"):
        bench_report(other)
