"""Plug-ins that exit, hang, fork, flood or lie: a record or a line for each, and the same numbers for all others."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from textwrap import indent
from typing import Any, NamedTuple

import pytest
import yaml

pytestmark = pytest.mark.faults

TABLE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("plugins.yaml").read_text())
PLACES = ("import", "construction", "training", "evaluation")
INNOCENT = "abs_diff,concat"
FORMATS = ("md", "csv", "json", "html")
# Characters: what a report says of all cells, and of each with its metrics and a message that was cut.
REPORT, REPORTED_CELL = 20_000, 4_000
SWEEP = ("run", "--config", "tiny.yaml", "--seed", 0)
RUN = (*SWEEP, "--jobs", 2, "--timeout", "30s")
PLUGIN = '''
import os, signal, subprocess, sys, threading, time

import torch

from bench.fusion import Fusion, register

calls = []


def Once():
    calls.append(1)
    return len(calls) == 1


def act(*here):
{action}


{on_import}


@register
class Hostile(Fusion):
    """A plug-in of a test."""

    name, family, needs, symmetric, paper, head = {name!r}, "test", "embedding", False, "none", "score"

    def __init__(self, spec):
        super().__init__(1)
        self.weight = torch.nn.Parameter(torch.ones(spec.dim))
        {on_construction}

    def forward(self, a, b):
        answer = act(a) if {in_forward} else None
        return (a * b * self.weight).sum(1) if answer is None else answer
'''


def plugin(where: str, what: str, name: str) -> str:
    return PLUGIN.format(
        action=indent(TABLE["actions"].get(what, "pass"), " " * 4),
        name=name,
        on_import="act()" if where == "import" else "",
        on_construction="act()" if where == "construction" else "",
        in_forward={"training": "self.training", "evaluation": "not self.training"}.get(where, "False"),
    )


class Batch(NamedTuple):
    """A run with all hostile plug-ins of a place, and one without them."""

    program: Any
    ended: Any
    is_stuck: bool
    left_over: list[int]
    records: list[dict[str, Any]]
    numbers: dict[str, Any]
    expected: dict[str, Any]


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory, tools: Any, program_in: Callable[[Path], Any]) -> Any:
    """The batch of a place, which runs once."""
    jobs = tools.share(2, 1)

    @cache
    def expected() -> dict[str, Any]:
        program = program_in(tmp_path_factory.mktemp("innocent"))
        program.run(*SWEEP, "--jobs", jobs, "--fusion", INNOCENT, "--out", "run").calmly(0)
        return tools.numbers(program.folder / "run")

    @cache
    def run(where: str) -> Batch:
        plugins = chosen(tools)[where]
        tools.only_whole(not plugins)
        program = program_in(tmp_path_factory.mktemp(where))
        (program.folder / "hostile").mkdir()
        for what in plugins:
            (program.folder / "hostile" / f"{what}.py").write_text(plugin(where, what, f"hostile_{what}"))
        # What does not load has no name, and a name that is not known would end the command before it begins.
        fusions = INNOCENT if where == "import" else f"{INNOCENT},hostile_*"
        limits = ("--jobs", jobs, "--timeout", "30s")
        started = program.start(*SWEEP, *limits, "--fusion", fusions, "--include", "hostile", "--out", "run")
        # A command that does not end is seen by all tests of the batch, and waited for once.
        started.wait_until(lambda: False, limit=150 + 15 * len(plugins))
        stuck = started.is_at_work
        if stuck:
            program.kill_all()
        ended, left, folder = started.ended(), program.left_over(), program.folder / "run"
        tools.counts["hostile plug-ins"] += len(plugins)
        return Batch(program, ended, stuck, left, tools.records(folder), tools.numbers(folder), expected())

    return run


def chosen(tools: Any) -> dict[str, list[str]]:
    return TABLE["few"] if tools.is_small else {where: TABLE[where] for where in PLACES}


@pytest.mark.parametrize("where", PLACES)
def test_the_others_are_what_they_are_without_them(batch: Callable[[str], Batch], where: str) -> None:
    found = batch(where)
    others = {cell: numbers for cell, numbers in found.numbers.items() if not cell[0].startswith("hostile")}
    assert others == found.expected, found.ended.said[-3000:]
    assert len([record for record in found.records if record["fusion"] in INNOCENT.split(",")]) == 2


@pytest.mark.parametrize("where", PLACES)
def test_the_command_ends_with_all_that_was_started(batch: Callable[[str], Batch], tools: Any, where: str) -> None:
    found = batch(where)
    assert not found.is_stuck, f"the command does not end\n{found.ended.said[-3000:]}"
    found.ended.calmly(*([0, 3] if where == "import" else [3]))
    assert found.left_over == []
    assert len(found.ended.said) < 100_000
    assert "\x1b" not in found.ended.said
    # Another run has nothing to clear away, and reports can be written.
    for form in FORMATS[: tools.share(len(FORMATS), 1)]:
        report = found.program.run("report", "run", "--format", form).calmly(0)
        assert not [word for word in ("\x1b", "\x07", "<script>alert(1)") if word in report.out]
        assert form == "html" or len(report.out) < REPORT + REPORTED_CELL * len(found.records)


@pytest.mark.parametrize(("where", "what"), [(where, what) for where in PLACES for what in TABLE[where]])
def test_each_leaves_a_record_or_a_line(batch: Callable[[str], Batch], tools: Any, where: str, what: str) -> None:
    tools.only_whole(what not in chosen(tools)[where])
    found = batch(where)
    records = [record for record in found.records if record["fusion"] == f"hostile_{what}"]
    lines = [line for line in found.ended.err.splitlines() if f"{what}.py" in line or f"hostile_{what}" in line]
    assert records or lines or (where == "import" and what in TABLE["harmless"]), "nothing says what became of it"
    if where in ("training", "evaluation"):
        assert len(records) == 1
    if what not in TABLE["harmless"]:
        assert all(record["status"] != "ok" for record in records)
        assert all(record["error"]["message"].strip() for record in records), "the record does not say why"
    assert all(len(str(record)) < 50_000 for record in records)


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("what", ["sys_exit_0", "os_exit_0", "sigstop"])
def test_one_that_is_named_and_does_not_load_is_no_success(program: Any, what: str) -> None:
    (program.folder / "hostile.py").write_text(plugin("import", what, "hostile"))
    ended = program.run(*RUN, "--fusion", "abs_diff,hostile", "--include", "hostile.py").calmly(2, 3)
    assert "hostile.py" in ended.err
    assert program.left_over() == []


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("where", ["import", "construction"])
def test_one_that_never_ends_to_load(program: Any, tools: Any, where: str) -> None:
    (program.folder / "hostile.py").write_text(plugin(where, "loop", "hostile"))
    tools.counts["hostile plug-ins"] += 1
    ended = program.run(*RUN, "--fusion", "abs_diff,hostile", "--include", "hostile.py", limit=180).calmly(2, 3)
    assert "hostile" in ended.err
    assert program.left_over() == []


@pytest.mark.usefixtures("whole")
def test_names_that_no_table_can_hold_are_refused(program: Any, tools: Any) -> None:
    (program.folder / "hostile").mkdir()
    for number, name in enumerate(TABLE["names"]):
        (program.folder / "hostile" / f"name_{number}.py").write_text(plugin("", "", name))
    ended = program.run(*RUN, "--fusion", "abs_dif*", "--include", "hostile", "--out", "run").calmly(0, 3)
    tools.counts["hostile plug-ins"] += len(TABLE["names"])
    unsaid = [name for number, name in enumerate(TABLE["names"]) if f"name_{number}.py" not in ended.err]
    assert not unsaid
    assert "\x1b" not in ended.said
    assert [record["fusion"] for record in tools.records(program.folder / "run")] == ["abs_diff"]


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("import", "sys_exit_0"),
        ("construction", "sys_exit_0"),
        ("training", "os_exit_0"),
        ("evaluation", "keyboard_interrupt"),
    ],
)
def test_bench_test_never_passes_them(program: Any, where: str, what: str) -> None:
    (program.folder / "hostile.py").write_text(plugin(where, what, "hostile"))
    ended = program.run("test", "hostile.py", "--backbone", "mobilenetv3_small_32", limit=300).calmly(1, 2, 3)
    assert "hostile" in ended.said
    assert program.left_over() == []
