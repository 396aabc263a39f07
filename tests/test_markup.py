"""Foreign words stay text in Markdown, CSV and JSON, as the programs that read these see it."""

import csv
import io
import json

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bench.markup import align, csv_text, json_text, markdown_line, text_of_csv
from bench.text import UNPRINTABLE, printable

NASTY = st.text(st.sampled_from("ab1 _*~`[](){}<>|\\$&;#+-=@.!:/%'\"\n\t\r\x1b\ud800é"), max_size=30)


def parsed(text):
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)


@given(NASTY)
@example("# x")
@example("~~x~~ &amp; __init__ <b>")
@example("    - indented")
@example("===")
def test_a_line_of_markdown_is_a_paragraph_of_text(text):
    tokens = parsed("before\n\n" + markdown_line(text))
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"paragraph_open", "inline", "text", "code_inline", "paragraph_close"}
    if "`" not in text:
        shown = "".join(child.content for token in tokens[3:] for child in token.children or ())
        assert shown.split() == printable(text).split()


@given(st.lists(NASTY, min_size=2, max_size=2), NASTY)
@example(["a|b", "`a|b`"], "|")
def test_a_table_has_the_cells_that_it_was_given(row, head):
    tokens = parsed(align(["name", f"x{head}"], [row], left=1))
    assert [token.type for token in tokens].count("td_open") == 2
    assert [token.type for token in tokens].count("th_open") == 2
    assert not {"link_open", "html_inline", "em_open", "s_open"} & {
        child.type for token in tokens for child in token.children or ()
    }


def test_of_a_cell_what_is_bold_stays_bold():
    (strong,) = [token for token in parsed(align(["a", "b"], [["x", "**0.9 ± 0.1**"]], 1)) if "**" in token.content]
    assert [child.type for child in strong.children][1] == "strong_open"


@given(NASTY)
@example("'=1")
@example("''=1")
def test_a_cell_of_csv_is_no_formula_and_gives_back_what_was_written(text):
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow(["name", csv_text(text)])
    ((_, cell),) = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert text_of_csv(cell) == printable(text)


@given(NASTY)
def test_json_is_what_was_given_and_can_be_encoded_and_printed(text):
    written = json_text({"name": text})
    assert json.loads(written.encode()) == {"name": text}
    assert not UNPRINTABLE.search(written)
