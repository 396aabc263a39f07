"""Command lines: any option of the commands that neither train nor measure, with whatever stands behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import strategies as st

from bench.cli import app

pytestmark = pytest.mark.faults

COMMANDS = ("run", "report", "check", "compare", "plot", "list", "show", "export")
# Where files are written is the user's choice.
WRITING = {"--out", "--write-baseline", "--include", "--help"}
WORDS = [
    "",
    "run",
    "run/records.jsonl",
    "run.json",
    "abs_diff",
    "color",
    "all",
    "*",
    "a,b",
    "0..2",
    "0..1000000000",
    "-1",
    "nan",
]
WORDS += [
    "inf",
    "1e999",
    "9" * 400,
    "x=1",
    "lr=x",
    "=",
    ",",
    "lr=[",
    "\x1b[31m",
    "half \udcff",
    "no/such",
    "x" * 5000,
    "--",
    "-",
]
WORDS += ["folder:run", "timm:", "abs_diff:a=1", "bce+", "[", "md", "html", "json", "accuracy", "concat", "~", "\n"]


@pytest.fixture
def options(place: Path, record: Any) -> dict[str, list[str]]:
    """The options of each command, beside a run that they may read."""
    import json

    (place / "run").mkdir()
    lines = (json.dumps(record(fusion, seed)) for fusion in ("abs_diff", "concat") for seed in range(2))
    (place / "run" / "records.jsonl").write_text("\n".join(lines) + "\n")
    group: Any = typer.main.get_command(app)
    found = {}
    for name in COMMANDS:
        context = typer.Context(group, info_name="bench")
        command = group.resolve_command(context, [name])[1]
        found[name] = sorted(
            {option for one in command.params for option in one.opts if option.startswith("--")} - WRITING
        )
    return found


def test_whatever_stands_on_a_command_line(fuzz: Any, call: Any, options: dict[str, list[str]]) -> None:
    words = st.sampled_from(WORDS)
    lines = st.sampled_from(COMMANDS).flatmap(
        lambda name: st.tuples(
            st.just(name),
            st.lists(words, max_size=2),
            st.lists(st.tuples(st.sampled_from([*options[name], "--no-such"]), words), max_size=3),
        )
    )

    def check(line: tuple[str, list[str], list[tuple[str, str]]]) -> None:
        name, arguments, given = line
        answer = call(
            name, *(["--dry-run"] if name == "run" else []), *arguments, *(word for pair in given for word in pair)
        )
        assert "\x1b" not in answer.said
        if answer.code == 2:
            assert answer.err.strip()

    fuzz(lines, 900, check)


def test_what_is_said_about_bad_input_commands_no_terminal(program: Any, tools: Any) -> None:
    commands = ("report", "\x1b[31mred"), ("show", "\x1b]0;owned\x07"), ("run", "--fusion", "\x9b31m\u202e")
    for arguments in commands[: tools.share(len(commands), 1)]:
        said = program.run(*arguments).calmly(2).said
        assert not set("\x1b\x07\x9b\u202e") & set(said)
