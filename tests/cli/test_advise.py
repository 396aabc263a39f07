"""``bench advise``: Markdown for a file, and on a terminal a table that fits it."""

import re
import sys
from types import SimpleNamespace

import pytest


@pytest.fixture
def on_terminal(monkeypatch):
    def of(width):
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr(
            sys.modules["bench.cli.advise"], "sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True))
        )
        # Rich asks for itself.
        monkeypatch.setenv("TTY_COMPATIBLE", "1")
        monkeypatch.setenv("TERM", "xterm")

    return of


def test_elsewhere_it_is_markdown(bench, capfd):
    assert bench("advise") == 0
    first, second, *_ = capfd.readouterr().out.splitlines()
    assert first.startswith("| your pairs ")
    assert second.startswith("| ---")


@pytest.mark.parametrize(("width", "left_out"), [(60, True), (80, True), (120, False)])
def test_on_a_terminal_it_fits_and_tears_no_name(bench, capfd, on_terminal, width, left_out):
    on_terminal(width)
    assert bench("advise") == 0
    plain = re.sub(r"\x1b\[[\d;]*m", "", capfd.readouterr().out)
    assert "|" not in plain
    assert max(len(line) for line in plain.splitlines()) <= width
    names = {"sinkhorn", "cross_attention", *(() if left_out else ("finetuned-pairs", "attention_bottleneck,"))}
    assert names <= set(plain.split())
    assert ("No room for:" in plain) == left_out
