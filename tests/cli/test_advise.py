"""``bench advise``: Markdown for a file, and on a terminal a table that fits it."""

import re
import sys
from types import SimpleNamespace

import pytest

from bench.cli.advise import LEAST_FIRST


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


@pytest.mark.parametrize(("width", "left_out"), [(60, True), (80, True), (160, False)])
def test_on_a_terminal_it_fits_and_tears_no_name(bench, capfd, on_terminal, width, left_out):
    on_terminal(width)
    assert bench("advise") == 0
    plain = re.sub(r"\x1b\[[\d;]*m", "", capfd.readouterr().out)
    assert "|" not in plain
    assert max(len(line) for line in plain.splitlines()) <= width
    names = {"sinkhorn", "cross_attention", *(() if left_out else ("finetuned-pairs", "attention_bottleneck,"))}
    assert names <= set(plain.split())
    assert ("No room for:" in plain) == left_out


def test_on_a_terminal_of_a_hundred_columns_the_pairs_keep_room_to_be_read(bench, capfd, on_terminal):
    on_terminal(100)
    assert bench("advise") == 0
    heading = re.sub(r"\x1b\[[\d;]*m", "", capfd.readouterr().out).splitlines()[0]
    assert heading.index("use") >= LEAST_FIRST


@pytest.fixture
def rows(bench, capfd, tables):
    """The rows that it prints."""

    def ask(*options):
        assert bench("advise", *options) == 0
        (table,) = tables(capfd.readouterr().out)
        return table

    return ask


def test_a_domain_that_a_study_measured_is_told_of_itself_alone(rows):
    (row,) = rows("--domain", "geo:displacement=8", "--protocol", "scratch")
    assert row["your pairs"].startswith("Two pictures of two kinds, displaced")
    assert {row["study"].split()[0] for row in rows("--domain", "emoji")} == {
        "few-pairs",
        "finetuned-pairs",
        "real-pairs",
    }


def test_other_pairs_are_told_of_pairs_that_are_aligned_as_theirs_are(rows):
    every, others = rows(), rows("--domain", "color")
    assert 0 < len(others) < len(every)
    assert not any("to the pixel" in row["your pairs"] for row in others)


def test_a_protocol_may_be_a_glob(rows):
    assert rows("--protocol", "fro*,") == rows("--protocol", "frozen") != []


def test_what_no_study_tells_of_is_refused(bench, capfd):
    assert bench("advise", "--protocol", "melted") == 2
    assert "allowed: scratch, finetune, frozen" in capfd.readouterr().err
