"""The commands as a user types them: output, exit codes, speed of the help, a plug-in of one's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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


def bench(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd or ROOT, check=False)


def test_help_lists_the_commands_and_loads_nothing_heavy() -> None:
    code = f"import sys, bench.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT).strip() == "[]"
    done = bench("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("run", "report", "list", "show", "test", "doctor"))


def test_an_unknown_fusion_exits_2_with_a_suggestion_and_no_traceback() -> None:
    done = bench("run", "--fusion", "concta")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("bench: unknown fusion 'concta': did you mean concat")
    assert "Traceback" not in done.stderr


def test_an_unknown_option_exits_2() -> None:
    assert bench("run", "--fusoin", "concat").returncode == 2


def test_report_on_an_empty_folder_exits_2(tmp_path: Path) -> None:
    done = bench("report", str(tmp_path))
    assert done.returncode == 2
    assert "no records here" in done.stderr
    assert done.stdout == ""


def test_a_fusion_outside_the_repository_is_listed_tested_run_and_reported(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    include = ("--include", str(file))
    assert "test_min_max" in bench("list", "fusions", *include).stdout
    assert "min(u, v)" in bench("show", "test_min_max", *include).stdout
    tested = bench("test", str(file), "--backbone", "mobilenetv3_small_32")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    recipe = "train_pairs=64,batch_size=16,val_pairs=32"
    scale = ("--protocol", "scratch", "--recipe", recipe, "--test-pairs", "32", "--seed", "0,1", "--jobs", "0")
    ran = bench("run", "--fusion", "test_min_max", *scale, *include, "--out", "run", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ""
    reported = bench("report", "run", cwd=tmp_path)
    assert reported.returncode == 0, reported.stderr
    assert "| test_min_max" in reported.stdout
    assert (tmp_path / "run" / "leaderboard.csv").exists()
    key = json.loads((tmp_path / "run" / "records.jsonl").read_text().splitlines()[0])["key"]
    shown = bench("show", key, "--results", "run", cwd=tmp_path)
    assert json.loads(shown.stdout)["fusion"] == "test_min_max"


def test_a_broken_plug_in_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    listed = bench("list", "fusions", "--include", str(tmp_path))
    assert listed.returncode == 0
    assert "abs_diff" in listed.stdout
    assert "broken.py" in listed.stderr
    assert "no_such_module" in listed.stderr
    tested = bench("test", str(tmp_path / "broken.py"))
    assert tested.returncode == 2
    assert "no_such_module" in tested.stderr


def test_a_fusion_that_fails_conformance_exits_1_and_says_why(tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(MINE.replace("test_min_max", "test_wrong").replace("torch.minimum(a, b)", "a"))
    done = bench("test", str(file), "--backbone", "mobilenetv3_small_32")
    assert done.returncode == 1
    assert "symmetric" in done.stdout


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("fusions", ("abs_diff", "two_channel", "single_image")),
        ("backbones", ("resnet18", "tiny_vit", "mobilenetv3_small_32", "timm:NAME")),
        ("domains", ("color", "texture")),
        ("warmups", ("names", "imagenet", "none", "centre", "rmse_px (lower is better)", "jigsaw", "supcon")),
    ],
)
def test_list(kind: str, expected: tuple[str, ...]) -> None:
    done = bench("list", kind)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in expected)


def test_listing_fusions_imports_torch_and_no_library_of_models_or_statistics() -> None:
    """They take longer to import than everything else that the list needs."""
    code = f"""
import sys
from bench import cli
sys.argv = ["bench", "list", "fusions"]
try:
    cli.main()
except SystemExit as ended:
    assert not ended.code
print([name for name in {(*HEAVY, "torchvision", "torch._dynamo")!r} if name in sys.modules])
"""
    listed = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT).splitlines()
    assert any(line.startswith("abs_diff") for line in listed)
    assert listed[-1] == "['torch']"


def test_list_and_show_refuse_what_they_do_not_know() -> None:
    assert "expected one of fusions, backbones" in bench("list", "fusion").stderr
    unknown = bench("show", "nothing_like_it")
    assert unknown.returncode == 2
    assert "nothing is called 'nothing_like_it'" in unknown.stderr


def test_show_a_domain_prints_its_statistics_and_draws_it(tmp_path: Path) -> None:
    done = bench("show", "color:shift=smaller", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "circle, square" in done.stdout
    assert "contact sheet written to color-shift-smaller.png" in done.stdout
    assert (tmp_path / "color-shift-smaller.png").read_bytes().startswith(b"\x89PNG")
    elsewhere = bench("show", "concat", "--out", str(tmp_path / "concat.png"))
    assert elsewhere.returncode == 2
    assert "only domains and some warm-ups have pictures" in elsewhere.stderr


def test_show_a_fusion_and_a_backbone() -> None:
    fusion = bench("show", "low_rank_bilinear").stdout
    assert "rank = 4" in fusion
    assert "Liu et al." in fusion
    assert "96 x 4 x 4" in bench("show", "mobilenetv3_small_32").stdout


def test_doctor_says_what_is_there() -> None:
    done = bench("doctor")
    assert done.returncode == 0, done.stderr
    assert "torch" in done.stdout
    assert "78 fusions, 3 backbones, 8 domains" in done.stdout
