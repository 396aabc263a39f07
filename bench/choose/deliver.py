"""Runs a race and writes its answer: sentences and table, the picture, the YAML to train what was chosen."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console

from bench.atomic import write_text_atomically
from bench.choose.answer import answer_of
from bench.choose.picture import draw_race
from bench.choose.question import Question
from bench.choose.stages import race
from bench.lettering import names_as_they_are
from bench.plots.gallery import save
from bench.text import say, without_home

ANSWER, PICTURE, CONFIG = "answer.md", "race.png", "chosen.yaml"
FAILED = 3


def choose(question: Question, command: Sequence[str], console: Console) -> tuple[str, int]:
    """Run the race as far as the budget goes.

    Returns:
        The answer as Markdown, empty where there is none, and the exit code: 0, 3 where no fusion finished, 130 after
        Ctrl-C, 143 after SIGTERM.

    Raises:
        UsageError, StorageError: as :func:`race`.
    """
    state = race(question, command, console)
    answer = answer_of(state)
    if state.exit_code:
        say(console, f"interrupted; go on with: {shlex.join(command)}", "bold")
    if answer is None:
        say(console, "no answer: no fusion has finished a replicate", "red")
        return "", state.exit_code or FAILED
    write_text_atomically(question.out / ANSWER, without_home(str(answer)))
    write_text_atomically(question.out / CONFIG, answer.config)
    with names_as_they_are():
        save(draw_race(answer), question.out / PICTURE)
    for name in (ANSWER, PICTURE, CONFIG):
        say(console, f"wrote {question.out / name}")
    return str(answer), state.exit_code
