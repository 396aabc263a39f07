"""Foreign words, such as those of a plug-in, as records, tables and terminals are given them."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.text import UNPRINTABLE, by_number, counts_of, printable, shortened, with_home, without_home

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=60)


def test_escape_sequences_and_halves_of_characters_are_written_out() -> None:
    assert printable("\x1b[31mred\x1b[0m, \ud800, é, 日本\n\tnext") == "\\x1b[31mred\\x1b[0m, \\ud800, é, 日本\n\tnext"


@given(ANY_TEXT)
def test_whatever_it_is_given_can_be_encoded_and_printed(text: str) -> None:
    shown = printable(text)
    assert json.loads(json.dumps(shown).encode()) == shown
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert not UNPRINTABLE.search(shown)
    assert printable(shown) == shown


def test_of_a_long_text_the_ends_stay_and_what_is_missing_is_counted() -> None:
    shown = printable("a" * 3_000_000 + "b" * 3_000_000, longest=300)
    assert shown.startswith("a" * 200 + " ... (5,999,700 characters left out)")
    assert shown.endswith("b" * 100)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("/home/u", "~"),
        ("folder:path=/home/u/my photos:size=32", "folder:path=~/my photos:size=32"),
        ('File "/home/u/mine.py", line 3', 'File "~/mine.py", line 3'),
        ("run --domain 'folder:/home/u/a' --out=/home/u/b, in /home/u.", "run --domain 'folder:~/a' --out=~/b, in ~."),
        ("/data/u/photos", "~/photos"),
        ("/home/user/x /home/u.old/x /mnt/home/u/x", "/home/user/x /home/u.old/x /mnt/home/u/x"),
    ],
)  # fmt: skip
def test_paths_below_the_home_folder_do_not_name_it(monkeypatch, text, short) -> None:
    """Whether by its name or by where it leads to; other paths stay."""
    monkeypatch.setenv("HOME", "/home/u")
    monkeypatch.setattr(os.path, "realpath", lambda path: path.replace("/home", "/data"))
    assert without_home(text) == short


def test_what_begins_with_a_tilde_is_found_again(monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere/else")
    assert with_home(without_home("/somewhere/else/photos")) == "/somewhere/else/photos"
    assert [with_home(text) for text in ("~", "~other/x", "a ~/x", "007")] == [
        "/somewhere/else",
        "~other/x",
        "a ~/x",
        "007",
    ]


@pytest.mark.parametrize("home", ["/", "", "relative"])
def test_a_home_that_is_no_folder_of_ones_own_hides_nothing(monkeypatch, home) -> None:
    monkeypatch.setenv("HOME", home)
    assert without_home("/data/x, relative/y") == "/data/x, relative/y"


@pytest.mark.parametrize(
    ("counts", "told"),
    [([1, 1], "1 seed"), ([3], "3 seeds"), ([0, 1], "0 to 1 seeds"), ([2000, 5], "5 to 2,000 seeds")],
)
def test_counts_that_differ_are_told_by_their_ends(counts, told) -> None:
    assert counts_of(iter(counts), "seed") == told


@given(st.text(), st.integers(1, 20))
def test_a_shortened_text_fits_and_says_that_it_is(text: str, longest: int) -> None:
    found = shortened(text, longest)
    assert len(found) <= longest or found == text
    assert (found == text) == (len(text) <= longest) or text.endswith("…")


def test_numbers_sort_as_numbers() -> None:
    names = ["k=16", "k=2", "k", "k=32:m=1", "k=4"]
    assert sorted(names, key=by_number) == ["k", "k=2", "k=4", "k=16", "k=32:m=1"]
