"""``bench test``: exit codes, and what is left of the results when it is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.conformance import run as module
from bench.conformance.subject import Result
from bench.interrupt import Interrupted

Bench = Callable[..., int]
Captured = pytest.CaptureFixture[str]

TWO = '''
import os

import torch
from bench.fusion import FeatureSpec, Fusion, register


class Base(Fusion):
    family, needs, symmetric, paper = "embedding", "embedding", True, "none"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)


@register
class Wrong(Base):
    """The first image alone: ``f = u``."""

    name = "test_wrong"

    def forward(self, a, b):
        return a


@register
class Leaves(Base):
    """Ends its process without a trace, as a C library may."""

    name = "test_leaves"

    def forward(self, a, b):
        print("x" * 1_000_000)
        os._exit(0)
'''


def test_what_fails_and_what_ends_its_process_exits_1_and_says_why(
    bench: Bench, capsys: Captured, tmp_path: Path
) -> None:
    (tmp_path / "two.py").write_text(TWO)
    assert bench("test", tmp_path / "two.py", "--backbone", "mobilenetv3_small_32", "--only", "test_*") == 1
    captured = capsys.readouterr()
    table = " ".join(captured.out.split())
    assert "declared symmetric, but swapping" in table
    assert "the worker process ended (exit code 0)" in table
    assert "22 checks, 2 failed" in table
    assert "x" * 100 not in captured.out + captured.err
    assert [line.rpartition(",")[0] for line in captured.err.splitlines()] == [
        "[1/4] fusion test_leaves: 4 checks",
        "[2/4] fusion test_leaves on mobilenetv3_small_32: failed shape",
        "[3/4] fusion test_wrong: 4 checks",
        "[4/4] fusion test_wrong on mobilenetv3_small_32: failed symmetric",
    ]


def found(*results: Result, interrupted: bool = False) -> Callable[..., Iterator[Result]]:
    """A suite with these results."""

    def run_suite(*_: object) -> Iterator[Result]:
        yield from results
        if interrupted:
            raise Interrupted

    return run_suite


OK = Result("fusion", "x", "", "text")
WRONG = Result("fusion", "x[red]\x1b", "resnet18", "finite", problem="is \x1b[31m[bold]red")
EXPECTED = Result("fusion", "x", "resnet18", "signs (known failure)", expected="never positive")
SKIPPED = Result("fusion", "x", "tiny_vit", "builds", skipped="no maps")


@pytest.mark.parametrize(
    ("suite", "code", "said"),
    [
        (found(OK, EXPECTED, SKIPPED), 0, "3 checks, 0 failed, 1 as the fusion states, 1 not applicable"),
        (found(OK, WRONG), 1, "2 checks, 1 failed"),
        (found(OK, WRONG, interrupted=True), 130, "2 checks, 1 failed; interrupted, what is not here has no result"),
        (found(interrupted=True), 130, "0 checks, 0 failed; interrupted"),
    ],
)
def test_the_exit_code_and_the_last_line(
    suite: Callable[..., Iterator[Result]],
    code: int,
    said: str,
    bench: Bench,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(module, "run_suite", suite)
    assert bench("test", tmp_path) == code
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith(said)
    assert "\x1b" not in out
    assert ("x[red]\\x1b" in out) == (code == 1 or "1 failed" in said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.py"], "nothing.py: no such file or folder"),
        ([".", "--limit", "soon"], "--limit 'soon' is not a duration; expected something like 90s, 20m or 2h"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], said: str, bench: Bench, capsys: Captured) -> None:
    assert bench("test", *arguments) == 2
    assert capsys.readouterr().err.strip() == f"bench: {said}"
