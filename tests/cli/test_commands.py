"""The commands as a user types them: output, exit codes, speed of the help, a plug-in of one's own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.domain import DOMAINS

ROOT = Path(__file__).parents[2]
Bench = Callable[..., int]
Process = Callable[..., subprocess.CompletedProcess[str]]
Captured = pytest.CaptureFixture[str]
HEAVY = ("torch", "timm", "pandas", "matplotlib", "sklearn", "scipy")

MINE = '''
import torch
from bench.fusion import FeatureSpec, Fusion, register


@register
class MinMax(Fusion):
    """Minimum and maximum: ``f = [min(u, v); max(u, v)]``, (B, D) twice -> (B, 2D)."""

    name, family, needs, symmetric = "test_min_max", "embedding", "embedding", True
    paper = "Zaheer et al., 2017"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=2 * spec.dim)

    def forward(self, a, b):
        return torch.cat([torch.minimum(a, b), torch.maximum(a, b)], dim=1)
'''


def test_help_lists_the_commands_and_loads_nothing_heavy(process: Process) -> None:
    code = f"import sys, bench.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT).strip() == "[]"
    done = process("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("run", "report", "list", "show", "test", "doctor"))


def test_an_unknown_fusion_exits_2_with_a_suggestion_and_no_traceback(process: Process) -> None:
    done = process("run", "--fusion", "concta")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("bench: unknown fusion 'concta': did you mean concat")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "value"), [("--recipe", "lr=[1"), ("--warmup-recipe", "lr=*a"), ("--aux", "centre=@x")]
)
def test_a_value_that_cannot_be_read_is_one_line(bench: Bench, capsys: Captured, option: str, value: str) -> None:
    assert bench("run", "--dry-run", option, value) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"bench: {option} {value!r}: ")


def test_an_unknown_option_exits_2(process: Process) -> None:
    assert process("run", "--fusoin", "concat").returncode == 2


def test_report_on_an_empty_folder_exits_2(bench: Bench, capsys: Captured, tmp_path: Path) -> None:
    assert bench("report", tmp_path) == 2
    printed = capsys.readouterr()
    assert "no records here" in printed.err
    assert printed.out == ""


def test_a_store_that_is_none_ends_a_run_in_one_line(bench: Bench, tmp_path: Path, capsys: Captured) -> None:
    assert bench("run", "--fusion", "cosine", "--jobs", "0", "--store", "nosuch://x", "--out", tmp_path / "run") == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "bench: store nosuch://x: cannot be opened: ValueError: Protocol not known: nosuch"
    assert not (tmp_path / "run").exists()


def test_a_fusion_outside_the_repository_is_listed_tested_run_and_reported(
    process: Process, bench: Bench, capsys: Captured, tmp_path: Path, registries: None
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    include = ("--include", str(file))
    assert bench("list", "fusions", *include) == 0
    assert "test_min_max" in capsys.readouterr().out
    assert bench("show", "test_min_max", *include) == 0
    assert "min(u, v)" in capsys.readouterr().out
    tested = process("test", str(file), "--backbone", "mobilenetv3_small_32")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    recipe = "train_pairs=64,batch_size=16,val_pairs=32"
    scale = ("--protocol", "scratch", "--recipe", recipe, "--test-pairs", "32", "--seed", "0", "--jobs", "0")
    ran = process("run", "--fusion", "test_min_max", *scale, *include, "--out", "run", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ""
    assert bench("report", tmp_path / "run") == 0
    assert "| test_min_max" in capsys.readouterr().out
    assert (tmp_path / "run" / "leaderboard.csv").exists()
    key = json.loads((tmp_path / "run" / "records.jsonl").read_text().splitlines()[0])["key"]
    capsys.readouterr()
    assert bench("show", key, "--results", tmp_path / "run") == 0
    assert json.loads(capsys.readouterr().out)["fusion"] == "test_min_max"


def test_a_broken_plug_in_is_named_and_the_rest_goes_on(
    bench: Bench, capsys: Captured, tmp_path: Path, registries: None
) -> None:
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    assert bench("list", "fusions", "--include", tmp_path) == 0
    listed = capsys.readouterr()
    assert "abs_diff" in listed.out
    assert "broken.py" in listed.err
    assert "no_such_module" in listed.err


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("fusions", ("abs_diff", "two_channel", "single_image")),
        ("backbones", ("resnet18", "tiny_vit", "mobilenetv3_small_32", "timm:NAME")),
        ("domains", ("color", "texture")),
        ("warmups", ("names", "imagenet", "none", "centre", "rmse_px (lower is better)", "jigsaw", "supcon")),
        ("metrics", ("accuracy", "Area under the ROC curve.", "lower", "nats")),
    ],
)
def test_list(bench: Bench, capsys: Captured, kind: str, expected: tuple[str, ...]) -> None:
    assert bench("list", kind) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in expected)


def test_listing_fusions_imports_torch_and_no_library_of_models_or_statistics() -> None:
    """They take longer to import than everything else that the list needs."""
    code = f"""
import sys
from bench import cli
sys.argv = ["bench", "list", "fusions"]
assert cli.execute() == 0
print([name for name in {(*HEAVY, "torchvision", "torch._dynamo")!r} if name in sys.modules])
"""
    listed = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT).splitlines()
    assert any(line.startswith("abs_diff") for line in listed)
    assert listed[-1] == "['torch']"


def test_list_and_show_refuse_what_they_do_not_know(bench: Bench, capsys: Captured) -> None:
    assert bench("list", "fusion") == 2
    assert "expected one of fusions, backbones" in capsys.readouterr().err
    assert bench("show", "nothing_like_it") == 2
    assert "nothing is called 'nothing_like_it'" in capsys.readouterr().err
    assert bench("show", "cros_attention") == 2
    assert "did you mean cross_attention" in capsys.readouterr().err


def test_show_a_domain_prints_its_statistics_and_draws_it(
    bench: Bench, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bench("show", "color:shift=smaller") == 0
    shown = capsys.readouterr().out
    assert "circle, square" in shown
    assert "contact sheet written to color-shift-smaller.png" in shown
    assert (tmp_path / "color-shift-smaller.png").read_bytes().startswith(b"\x89PNG")
    assert bench("show", "resnet18", "--out", tmp_path / "resnet18.png") == 2
    assert "only domains, fusions and some warm-ups have pictures" in capsys.readouterr().err


def test_show_a_fusion_and_a_backbone(bench: Bench, capsys: Captured) -> None:
    assert bench("show", "low_rank_bilinear") == 0
    fusion = capsys.readouterr().out
    assert "rank = 4" in fusion
    assert "Liu et al." in fusion
    assert bench("show", "mobilenetv3_small_32") == 0
    assert "96 x 4 x 4" in capsys.readouterr().out


def test_doctor_says_what_is_there(process: Process) -> None:
    done = process("doctor")
    assert done.returncode == 0, done.stderr
    assert "torch" in done.stdout
    assert f"78 fusions, 3 backbones, {len(list(DOMAINS))} domains" in done.stdout
