"""Foreign words, such as those of a plug-in, as records, tables and terminals are given them."""

import json

from hypothesis import given
from hypothesis import strategies as st

from bench.text import UNPRINTABLE, printable

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
