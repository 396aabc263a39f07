"""The built-in backbones are imported when one is first asked for, and nothing else depends on when that is.

Each test has a process of its own, in which nobody asked before.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Process = Callable[..., subprocess.CompletedProcess[str]]
PLUGIN = """
from bench.backbones import register_backbone
from bench.backbones.from_timm import TimmBackbone


@register_backbone
class Ten(TimmBackbone):
    '''The smallest of the ResNets.'''

    name = "{name}"
    model = "resnet10t"
"""


@pytest.mark.parametrize(
    ("first", "answer"),
    [
        ("sorted(BACKBONES)", "['mobilenetv3_small_32', 'resnet18', 'tiny_vit']"),
        ("'tiny_vit' in BACKBONES", "True"),
        ("BACKBONES.get('resnet18').name", "resnet18"),
        ("BACKBONES.match('*vit')", "['tiny_vit']"),
        ("BACKBONES.get('timm:resnet10t').name", "timm:resnet10t"),
    ],
)
def test_whoever_asks_first_finds_them(process: Process, first: str, answer: str) -> None:
    code = "import sys; from bench.backbones import BACKBONES; assert 'timm' not in sys.modules;"
    done = process(code=f"{code} print({first})")
    assert done.stdout.strip() == answer, done.stderr


def test_an_unknown_name_that_is_the_first_suggests_the_nearest(process: Process) -> None:
    done = process("run", "--fusion", "concat", "--backbone", "resnet81", "--dry-run")
    assert done.returncode == 2
    assert "unknown backbone 'resnet81': did you mean resnet18" in done.stderr


def test_a_plug_in_stands_beside_them(process: Process, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN.format(name="ten"))
    listed = process("list", "backbones", "--include", str(tmp_path))
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [
        "name", "mobilenetv3_small_32", "resnet18", "ten", "tiny_vit", "Also",
    ]  # fmt: skip
    assert listed.stderr == ""


@pytest.mark.parametrize("kind", ["backbones", "fusions"])
def test_a_plug_in_cannot_take_the_name_of_one(process: Process, kind: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN.format(name="tiny_vit"))
    listed = process("list", kind, "--include", str(tmp_path))
    assert listed.returncode == 2
    assert listed.stderr.startswith("bench: two backbones are named 'tiny_vit': ")
    assert "tiny_vit.py" in listed.stderr
    assert str(tmp_path / "mine.py") in listed.stderr
