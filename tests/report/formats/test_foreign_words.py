"""Names with parameters, paths and messages with the markup of a format are text in all of them."""

import json
import re

import pytest
from markdown_it import MarkdownIt

from bench.records import leaderboard
from bench.records.entries import entries_of
from bench.records.load import load_runs, pool

DOMAIN = "folder:path=$a$ {b} |<script>alert(1)</script>*c*[d](javascript)`e`~~f~~ %&_\\ x_"
MESSAGE = "@x|`y`</script><script>alert(2)</script>\x1b[31m ]]> %0A::error::z"
LEAKS = re.compile(r"<script>alert|</?(?:b|i)>")


@pytest.fixture
def nasty(record, run_folder, bench_report):
    """The report of a run full of markup, in a format."""
    names = ["concat", "lost:path==cmd()|$x$<b>", "mlb:mode=*a*_b_"]
    records = [record(name, seed, 0.9, domain=DOMAIN, abroad={"color": 0.6}) for name in names[::2] for seed in (0, 1)]
    records += [record(names[1], 0, domain=DOMAIN, status="error", error={"type": "E", "message": MESSAGE})]
    absent = {"type": "NotApplicableError", "message": "=HYPERLINK(1) <b>no</b> *maps*"}
    records += [record("film", 0, domain=DOMAIN, status="not_applicable", error=absent)]
    folder = run_folder(records)

    def report(form):
        return bench_report(folder, "--format", form, "--baseline", "concat").stdout

    report.folder = folder
    return report


def test_markdown_has_no_other_markup_than_its_own(nasty):
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(nasty("md"))
    inner = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inner)}
    assert not {"html_inline", "html_block", "link_open", "em_open", "s_open", "image", "fence"} & kinds
    widths = [
        sum(token.type in ("td_open", "th_open") for token in row)
        for row in _between(tokens, "tr_open", "tr_close")
    ]  # fmt: skip
    assert 0 not in widths
    text = "".join(child.content for child in inner)
    assert "<script>alert(1)</script>*c*[d](javascript)" in text
    assert "\x1b" not in text


def _between(tokens, start, end):
    row = None
    for token in tokens:
        if token.type == start:
            row = []
        elif token.type == end:
            yield row
        elif row is not None:
            row.append(token)


def test_csv_holds_no_formula_and_gives_back_the_rows(nasty):
    nasty("csv")
    path = nasty.folder / leaderboard.FILE_NAME
    assert not re.search(r"(^|,)\"?[=+@\t\r]", path.read_text(), flags=re.MULTILINE)
    written = leaderboard.rows(entries_of(pool(load_runs([nasty.folder])).cells))
    assert leaderboard.read_rows(path) == written
    assert "=HYPERLINK(1) <b>no</b> *maps*" in {row["not_applicable"] for row in written}


def test_latex_obeys_no_sign_of_them(nasty):
    text = nasty("tex")
    for line in text.splitlines()[1:]:
        bare = re.sub(r"\\[\\{}$%&#_]|\$\\[a-z]+\$", "", line)
        assert "$" not in bare
        assert "%" not in bare
        assert bare.count("{") == bare.count("}")


def test_json_is_what_was_recorded(nasty):
    (section,) = json.loads(nasty("json"))["sections"]
    assert section["domain"] == DOMAIN


def test_a_page_holds_no_tag_of_them(nasty):
    pytest.importorskip("plotly")
    page = nasty("html")
    assert not LEAKS.search(page[page.index("<main>") :])
    figures = re.findall(r'<script type="application/json">(.*?)</script>', page, flags=re.DOTALL)
    assert figures
    shown = json.dumps([[view["data"], view["layout"]] for figure in figures for view in json.loads(figure)])
    assert not re.search(r"<(?!b>%|/b>|br>|extra>|/extra>)", shown)
