"""The regression gate as a user calls it: exit codes, what is printed, and what is left for GitHub."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

HEADER = {
    "schema": 1,
    "created": "2026-03-01T10:00:00+00:00",
    "config": {"jobs": 2},
    "hardware": {"cpu": "Test CPU", "capability": "AVX2", "cores": 2, "gpus": [], "system": "Linux x86_64"},
    "threads": 1,
    "precision": "float32",
}
ACCURACY = {"abs_diff": (0.958, 0.961, 0.955), "concat": (0.972, 0.975, 0.978), "hadamard": (0.970, 0.966, 0.974)}
DROPPED = "abs_diff × mobilenetv3_small_32 on color · finetune · warm-up names · recipe aaaaaaaa"


def record(fusion: str, seed: int, accuracy: float) -> dict[str, Any]:
    return {
        "schema": 1, "key": f"{fusion}{seed}", "status": "ok", "fusion": fusion, "family": "embedding",
        "symmetric": True, "backbone": "mobilenetv3_small_32", "domain": "color", "seed": seed,
        "protocol": "finetune", "warmup": {"task": "names", "seed": 0}, "recipe": {}, "recipe_id": "aaaaaaaa",
        "eval": {"color": {"accuracy": accuracy, "auc": accuracy, "n": 2000}},
        "cost": {"parameters": 260749, "macs": 7850880, "train_pairs_per_s": 500.0 + seed, "uncounted": []},
        "error": None, "finished": "2026-03-01T10:00:00+00:00",
    }  # fmt: skip


def quick() -> list[dict[str, Any]]:
    return [record(name, seed, value) for name, values in ACCURACY.items() for seed, value in enumerate(values)]


def write(folder: Path, records: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(HEADER))
    (folder / "records.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write(tmp_path / "base", quick())


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The quick run with a bug that costs one fusion three points."""
    records = copy.deepcopy(quick())
    for one in records[:3]:
        one["eval"]["color"]["accuracy"] -= 0.03
    return write(tmp_path / "broken", records)


def test_a_planted_bug_exits_1_and_names_the_cell(bench, base, broken, capfd) -> None:
    assert bench("compare", base, broken) == 1
    out = capfd.readouterr().out
    (row,) = [line for line in out.splitlines() if line.split()[:2] == ["+", "worse"]]
    assert DROPPED in row
    assert "-3.00 points" in out
    assert "REGRESSION" in out


def test_the_same_run_twice_exits_0(bench, base, tmp_path, capfd) -> None:
    assert bench("compare", base, write(tmp_path / "again", quick())) == 0
    assert "no regression: 9 cells on both sides" in capfd.readouterr().out


def test_a_missing_cell_exits_3_and_names_it(bench, base, tmp_path, capfd) -> None:
    new = write(tmp_path / "new", quick()[1:])
    assert bench("compare", base, new, "--format", "md") == 3
    assert f"{DROPPED}, seed 0" in capfd.readouterr().out
    assert bench("compare", base, new, "--allow-missing") == 0


def test_an_empty_folder_exits_2_with_one_line_on_stderr(bench, base, tmp_path, capfd) -> None:
    (tmp_path / "empty").mkdir()
    assert bench("compare", base, tmp_path / "empty") == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("bench: ")
    assert "no records here" in captured.err
    assert captured.err.count("\n") == 1


def test_a_failed_cell_exits_3(bench, base, tmp_path) -> None:
    records = quick()
    records[4] |= {"status": "diverged", "eval": {}, "cost": {}}
    assert bench("compare", base, write(tmp_path / "new", records)) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "give one of --baseline F"),
        (("--baseline", "x.jsonl", "--write-baseline", "y.jsonl"), "give one of --baseline F"),
        (("--baseline", "x.jsonl", "--again", "y"), "--again belongs to --write-baseline"),
        (("--write-baseline", "y", "--again", "z", "--factor", "2"), "--again beside --factor: --again measures"),
        (("--write-baseline", "y", "--metric", "accuracy"), "--metric: --write-baseline checks nothing"),
        (("--write-baseline", "y", "--out", "z", "--format", "md", "--include", "w"), "--format, --out, --include: "),
        (("--write-baseline", "y", "--margin", "2", "--allow-missing"), "--margin, --allow-missing: --write-baseline"),
        (("--write-baseline", "y", "--factor", "inf"), "Invalid value for '--factor'"),
        (("--baseline", "x.jsonl", "--factor", "nan"), "Invalid value for '--factor'"),
        (("--baseline", "x.jsonl"), "x.jsonl: no such file"),
        (("--baseline", "x.jsonl", "--metric", "accuracie"), "did you mean 'accuracy'"),
        (("--baseline", "x.jsonl", "--format", "xml"), "unknown check format 'xml': known: comment, github, json"),
    ],
)
def test_bad_options_exit_2(bench, base, options, message, capfd) -> None:
    assert bench("check", base, *options) == 2
    assert message in capfd.readouterr().err


def test_check_against_a_written_baseline(bench, base, broken, tmp_path, capfd) -> None:
    file = tmp_path / "quick.jsonl"
    assert bench("check", base, "--write-baseline", file, "--again", base) == 0
    captured = capfd.readouterr()
    assert captured.out == ""
    assert f"wrote {file}: 9 cells, slowdown up to 1.1 is noise" in captured.err
    assert bench("check", base, "--baseline", file) == 0
    assert bench("check", broken, "--baseline", file) == 1


def test_junit_goes_to_a_file(bench, base, broken, tmp_path, capfd) -> None:
    out = tmp_path / "junit.xml"
    assert bench("check", broken, "--baseline", base, "--format", "junit", "--out", out) == 1
    assert capfd.readouterr().out == ""
    (failure,) = ElementTree.parse(out).getroot().iterfind(".//failure")
    assert "-3.00 points" in failure.get("message", "")


def test_github_gets_annotations_and_a_step_summary(bench, base, broken, tmp_path, capfd, monkeypatch) -> None:
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    assert bench("check", broken, "--baseline", base, "--format", "github") == 1
    assert f"::error title=quality worse%3A {DROPPED}::" in capfd.readouterr().out
    assert page.read_text().startswith("before\n**REGRESSION")
    assert DROPPED in page.read_text()
    bench("check", broken, "--baseline", base, "--format", "json")
    assert page.read_text().count("REGRESSION") == 1


COUNTING = '''
"""A format of one's own."""

from pathlib import Path

from bench.gate.formats import CheckFormat, register_check_format


@register_check_format
class Count(CheckFormat):
    """How many findings have a word."""

    name = "count"

    def __init__(self, word: str = "worse") -> None:
        self.word = word

    def render(self, comparison):
        return f"{comparison.counts[self.word]} {self.word}\\n"

    def publish(self, comparison):
        Path(__file__).with_suffix(".txt").write_text(comparison.summary)
'''


def test_a_format_of_ones_own_is_one_file(bench, base, broken, tmp_path, capfd, registries) -> None:
    file = tmp_path / "count.py"
    file.write_text(COUNTING)
    assert bench("compare", base, broken, "--format", "count", "--include", file) == 1
    assert capfd.readouterr().out == "1 worse\n"
    assert file.with_suffix(".txt").read_text().startswith("REGRESSION")
    assert bench("check", broken, "--baseline", base, "--format", "count:same", "--include", file) == 1
    assert capfd.readouterr().out.endswith(" same\n")
    assert bench("compare", base, broken, "--format", "count:wrod=same", "--include", file) == 2
    assert "unknown parameter 'wrod'; allowed: word" in capfd.readouterr().err


def test_the_gate_imports_no_torch(base, broken) -> None:
    code = (
        "import sys; from bench.cli.compare import rules_of, judge; import pathlib, typer\n"
        "try:\n"
        f"    judge(pathlib.Path({str(base)!r}), pathlib.Path({str(broken)!r}), "
        "rules_of('accuracy', 1.0, 1.2, False), 'table', None)\n"
        "except typer.Exit as ended: assert ended.exit_code == 1\n"
        "print(*{'torch', 'timm', 'sklearn'} & set(sys.modules), file=sys.stderr, end='')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
