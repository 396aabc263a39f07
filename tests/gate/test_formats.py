"""Every format says the same, and is read back by what reads it."""

import json
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt

from bench.gate.formats import CHECK_FORMATS
from bench.gate.formats.comment import FOLDED, SHOWN
from bench.gate.formats.github import MOST_ANNOTATIONS


def written(name, comparison):
    return CHECK_FORMATS.settle(name).build().render(comparison)


@pytest.fixture
def comparison(judged, cells, record):
    base = [*cells("concat", [0.95] * 3), *cells("cosine", [0.9] * 3), *cells("a|b[red]", [0.9] * 2)]
    failed = record("a|b[red]", status="error", error={"type": "E", "message": "50 % gone\x07: at a, b"})
    return judged(base, [*cells("concat", [0.85] * 3), *cells("cosine", [0.9, 0.9, 0.85]), failed])


def test_the_table_has_a_mark_and_a_word_for_all_that_changed(comparison):
    text = written("table", comparison)
    rows = {tuple(line.split()[:4]) for line in text.splitlines()}
    assert ("+", "worse", "quality", "concat") in rows
    assert ("~", "undecided", "quality", "cosine") in rows
    assert ("!", "missing", "coverage", "a|b[red]") in rows
    assert ("!", "failed", "coverage", "a|b[red]") in rows
    assert ("x", "incomparable", "throughput", "all") in rows
    assert "REGRESSION: 6 cells on both sides" in text
    assert "\x1b" not in text


def test_markdown_is_one_table_with_a_row_for_all_that_changed(comparison):
    tokens = MarkdownIt("commonmark").enable("table").parse(written("md", comparison))
    assert sum(token.type == "table_open" for token in tokens) == 1
    assert sum(token.type == "tr_open" for token in tokens) == 1 + len(comparison.notable)
    assert any("a|b[red]" in token.content.replace("\\", "") for token in tokens if token.type == "inline")


def test_a_comment_fits_what_github_takes_and_shows_the_worst_first(comparison, judged, cells):
    text = written("comment", comparison)
    assert text.startswith("### fusebench: REGRESSION\n\n6 cells on both sides")
    assert "<details>" not in text
    names = [f"fusion_{number:03}{'x' * 200}" for number in range(100)]
    base = [one for name in names for one in cells(name, [0.95] * 2)]
    new = [one for name in names for one in cells(name, [0.85] * 2)]
    long = written("comment", judged(base, new))
    assert len(long) < 65_536
    tokens = MarkdownIt("commonmark").enable("table").parse(long)
    assert sum(token.type == "table_open" for token in tokens) == 2
    shown, folded = long.split("<details><summary>86 more</summary>")
    assert shown.count("| worse ") == SHOWN
    assert folded.count("| worse ") == FOLDED
    assert "26 are left out here." in folded


def test_json_holds_everything(comparison):
    content = json.loads(written("json", comparison))
    assert content["exit_code"] == 1
    assert content["rules"] == {"metric": "accuracy", "margin": 0.01, "factor": None, "allow_missing": False}
    assert len(content["findings"]) == len(comparison.findings)
    assert {one["tier"] for one in content["findings"]} == {"coverage", "exact", "quality", "throughput"}


def test_junit_is_read_back_by_a_parser(comparison):
    root = ElementTree.fromstring(written("junit", comparison).encode())
    assert root.tag == "testsuites"
    assert [suite.get("name") for suite in root] == ["coverage", "exact", "quality", "throughput"]
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        assert len({case.get("name") for case in cases}) == len(cases)
        for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(count)) == len(suite.findall(f"testcase/{tag}"))
    failures = root.findall("testsuite[@name='quality']/testcase/failure/..")
    assert [case.get("name") for case in failures] == [
        "concat × mobilenetv3_small_32 on color · finetune · warm-up names · recipe aaaaaaaa"
    ]
    assert root.get("errors") == "2"
    messages = [error.get("message") for error in root.findall(".//error")]
    assert any(r"50 % gone\x07: at a, b" in message for message in messages)


def test_junit_of_a_clean_comparison_has_no_failure_and_a_case_in_every_suite(judged, cells):
    root = ElementTree.fromstring(written("junit", judged(cells("concat", [0.9]), cells("concat", [0.9]))).encode())
    assert (root.get("failures"), root.get("errors")) == ("0", "0")
    assert all(len(suite) for suite in root)


def test_github_gets_an_error_for_red_and_a_warning_for_undecided(comparison):
    lines = written("github", comparison).splitlines()
    errors = [line for line in lines if line.startswith("::error ")]
    assert len(errors) == 3
    assert errors[0].startswith(
        "::error title=quality worse%3A concat × mobilenetv3_small_32 on color · finetune · warm-up names · "
        "recipe aaaaaaaa::accuracy "
    )
    failed = next(line for line in errors if "failed" in line)
    title, data = failed.removeprefix("::error title=").split("::")
    assert ":" not in title
    assert "," not in title
    assert "50 %25 gone" in data
    assert sum(line.startswith("::warning ") for line in lines) == 1


def test_github_gets_no_more_errors_than_it_shows(judged, cells):
    base = [record for index in range(20) for record in cells(f"f{index}", [0.95] * 3)]
    new = [record for index in range(20) for record in cells(f"f{index}", [0.75] * 3)]
    text = written("github", judged(base, new))
    assert text.count("::error ") == MOST_ANNOTATIONS
    assert "20 worse" in text
