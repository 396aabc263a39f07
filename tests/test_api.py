"""``import bench``: light, typed, and the same as the command line."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.figure
import pytest

import bench
from bench.metrics import metric_names
from bench.sweep import run as sweep_run
from bench.sweep.config import SweepConfig

ROOT = Path(__file__).parents[1]
Folder = Callable[..., Path]
Record = dict[str, Any]


def test_importing_it_imports_nothing_and_reading_results_no_torch() -> None:
    code = "import sys, bench; known = set(sys.modules); bench.load; print(*known); print(*sys.modules)"
    printed = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT)
    imported, loading = (set(line.split()) for line in printed.splitlines())
    assert {name for name in imported if name.startswith("bench")} == {"bench"}
    assert not {"torch", "pandas", "timm", "matplotlib"} & (imported | loading)


def test_type_checkers_see_what_there_is() -> None:
    """They read the imports, Python the table: both name the same objects."""
    found = {}
    for node in ast.walk(ast.parse(Path(bench.__file__).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("bench."):
            found |= {alias.name: node.module for alias in node.names}
    assert set(found) == {name for name in dir(bench) if not name.startswith("_")}
    for name, module in found.items():
        assert getattr(bench, name) is getattr(importlib.import_module(module), name)
    assert (Path(bench.__file__).parent / "py.typed").exists()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'fusoin'"):
        bench.fusoin  # noqa: B018


def test_its_arguments_are_the_fields_of_the_configuration() -> None:
    assert set(inspect.signature(bench.run).parameters) == {*SweepConfig.model_fields, "config", "progress"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, run_folder: Folder, record: Callable[..., Record]) -> Callable[..., Any]:
    """What ``bench.run`` hands to the sweep: configuration, command line and console."""
    folder = run_folder([record()])

    def ask(code: int = 0, **settings: Any) -> tuple[SweepConfig, list[str], Any]:
        seen: list[Any] = []
        monkeypatch.setattr(sweep_run, "run_sweep", lambda *given: seen.extend(given) or code)
        bench.run(**{"out": folder, **settings})
        return tuple(seen)  # type: ignore[return-value]

    return ask


def test_python_values_become_the_configuration(asked: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("domain: texture\nthreads: 3\n")
    config, _, console = asked(
        fusion=["concat", "abs_diff"], seed=range(5), domain="color", jobs=None, include=[tmp_path], config=file,
        progress=False,
    )  # fmt: skip
    assert (config.fusion, config.seed) == (("concat", "abs_diff"), (0, 1, 2, 3, 4))
    assert (config.domain, config.threads, config.jobs) == (("color",), 3, None)
    assert config.include == (str(tmp_path),)
    assert console.quiet


def test_the_command_line_that_is_written_down_does_the_same(
    asked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench import cli

    recipe = {"lr": 1e-3, "objective": "hinge", "auxiliary": {"centre": 1, "size": 0.5}}
    config, command, _ = asked(
        fusion=["film:stage=1", "cosine"], seed=range(3), recipe=recipe, profile=False, warmup_seed=2, gate_margin=0.5
    )
    seen: list[SweepConfig] = []
    monkeypatch.setattr(sweep_run, "run_sweep", lambda config, *_: seen.append(config) or 0)
    monkeypatch.setattr(sys, "argv", shlex.split(shlex.join(command)))
    assert cli.execute() == 0
    assert seen == [config]


def test_bad_input_raises_and_names_the_argument(tmp_path: Path) -> None:
    for settings, message in (
        ({"fusoin": "concat"}, "bench.run: unknown key 'fusoin'; did you mean 'fusion'?"),
        ({"protocol": "fintune"}, "bench.run: protocol = 'fintune': Input should be"),
        ({"seed": "x"}, "bench.run: seed = 'x': 'x' is not a seed"),
        ({"domain_params": {"textures": "photos"}}, "--domain-params: color: no domain here has 'textures'"),
        ({"fusion": "concta"}, "unknown fusion 'concta': did you mean concat"),
    ):
        with pytest.raises(bench.UsageError, match=f"^{re.escape(message)}"):
            bench.run(out=tmp_path, progress=False, **settings)
    with pytest.raises(bench.UsageError, match="no records here"):
        bench.load(tmp_path)


def test_an_interrupt_is_an_interrupt(asked: Callable[..., Any]) -> None:
    for code in (130, 143):
        with pytest.raises(KeyboardInterrupt):
            asked(code=code)


def test_the_frame_has_a_row_per_cell_and_domain_tested_on(
    run_folder: Folder, record: Callable[..., Record], sweep: list[Record]
) -> None:
    times = {"train": 2.0, "total": 3.0}
    recipe = {"train_pairs": 640, "auxiliary": {"centre": 0.5}}
    folder = run_folder([*sweep, record("film", 7, 0.75, times=times, recipe=recipe)])
    frame = bench.load(folder).frame()
    expected = sum(max(1, len(one["eval"])) for one in sweep) + 1
    assert len(frame) == expected
    (one,) = frame[frame["fusion"] == "film"].to_dict("records")
    assert (one["seed"], one["accuracy"], one["domain"], one["eval_domain"]) == (7, 0.75, "color", "color")
    assert (one["seconds_total"], one["recipe_train_pairs"], one["recipe_auxiliary_centre"]) == (3.0, 640, 0.5)
    assert (one["parameters"], one["test_pairs"], one["status"]) == (260749, 2000, "ok")
    failed = frame[frame["status"] == "diverged"]
    assert failed["message"].tolist() == ["DivergedError: loss is nan at step 12"]
    assert failed["accuracy"].isna().all()
    assert failed["eval_domain"].tolist() == ["color"]
    by_hand = [one["eval"]["texture"]["accuracy"] for one in sweep if one["fusion"] == "concat"]
    concat = frame[(frame["fusion"] == "concat") & (frame["eval_domain"] == "texture")]
    assert sorted(concat["accuracy"]) == sorted(by_hand)


def test_types_of_columns_do_not_depend_on_what_failed(run_folder: Folder, record: Callable[..., Record]) -> None:
    failed = record(status="diverged", message="nan", symmetric=None, warmup={"task": "none"})
    types = [
        bench.load(run_folder(rows, name)).frame().dtypes for name, rows in {"a": [failed], "b": [record()]}.items()
    ]
    for name in (*metric_names(), "parameters", "macs", "warmup_seed", "symmetric", "test_pairs", "warmup_quality"):
        assert types[0][name] == types[1][name], name


def test_the_table_is_that_of_the_report(
    run_folder: Folder, sweep: list[Record], bench_report: Callable[..., Any]
) -> None:
    results = bench.load(run_folder(sweep))
    assert results.table() == bench_report(run_folder(sweep)).stdout
    chosen = bench_report(run_folder(sweep), "--metric", "auc", "--baseline", "concat", "--margin", "2").stdout
    assert results.table("auc", baseline="concat", margin=2) == chosen
    assert results._repr_markdown_() == results.table()
    assert repr(results) == f"<Results: {len(sweep)} cells of {run_folder(sweep)}>"


def test_compare_pairs_seeds(run_folder: Folder, record: Callable[..., Record]) -> None:
    levels = {"concat": 0.8, "abs_diff": 0.9}
    seeds = range(6)
    records = [record(name, seed, level + 0.01 * seed) for name, level in levels.items() for seed in seeds]
    found = bench.load(run_folder(records)).compare("concat")
    (row,) = found.to_dict("records")
    assert (row["fusion"], row["baseline"], row["eval_domain"], row["n_shared"]) == ("abs_diff", "concat", "color", 6)
    assert row["difference"] == pytest.approx(0.1)
    assert row["difference_low"] <= row["difference"] <= row["difference_high"]
    assert row["verdict"] == "better"
    assert row["p_better"] == 1
    with pytest.raises(bench.UsageError, match="--baseline"):
        bench.load(run_folder(records)).compare("concta")


def test_without_anything_to_compare_the_frame_is_empty(run_folder: Folder, record: Callable[..., Record]) -> None:
    found = bench.load(run_folder([record("concat")])).compare("concat")
    assert found.empty
    assert {"fusion", "difference", "verdict"} <= set(found.columns)


def test_plots_are_figures_by_name_that_a_notebook_shows(
    run_folder: Folder, sweep: list[Record], tmp_path: Path
) -> None:
    pictures = bench.load(run_folder(sweep)).plot("bars", metric="auc")
    assert len(pictures) == 2
    assert all(isinstance(figure, matplotlib.figure.Figure) for figure in pictures.values())
    assert pictures._repr_html_().count('<img alt="bars-color') == 2
    pictures.save(tmp_path / "drawn", "svg")
    assert {file.stem for file in (tmp_path / "drawn").glob("*.svg")} == set(pictures)
    with pytest.raises(bench.UsageError, match="did you mean bars"):
        bench.load(run_folder(sweep)).plot("bar")


def test_the_example_of_the_docs_runs(process: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(), re.DOTALL)
    code = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{example}"
    code += "\nprint(len(frame), len(differences), len(later.frame()))\n"
    done = process(code=code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "4 1 4"
    assert "4 cells: 4 ok" in done.stderr
    assert list((tmp_path / "pictures").glob("bars-*.png"))
    assert (tmp_path / "results" / "example" / "records.jsonl").exists()
