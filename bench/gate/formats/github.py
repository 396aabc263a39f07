"""A comparison for GitHub Actions."""

from __future__ import annotations

import os
from pathlib import Path

from bench.errors import StorageError
from bench.gate.comparison import Comparison
from bench.gate.finding import INCOMPLETE, Finding
from bench.gate.formats import CheckFormat, register_check_format
from bench.gate.formats.markdown import Markdown
from bench.text import printable

MOST_ANNOTATIONS = 10  # that GitHub shows of one step


@register_check_format
class GitHub(CheckFormat):
    """Workflow commands: an error for what is worse, failed or missing, a warning for what is undecided.

    The Markdown table is appended to the page of the workflow run, where GitHub Actions names one.
    """

    name = "github"

    def render(self, comparison: Comparison) -> str:
        errors = [one for one in comparison.notable if one.word == "worse" or one.word in INCOMPLETE]
        warnings = [one for one in comparison.notable if one.word == "undecided"]
        lines = [_annotation("error", one) for one in errors[:MOST_ANNOTATIONS]]
        lines += [_annotation("warning", one) for one in warnings[:MOST_ANNOTATIONS]]
        return "\n".join([*lines, comparison.summary]) + "\n"

    def publish(self, comparison: Comparison) -> None:
        page = os.environ.get("GITHUB_STEP_SUMMARY")
        if not page:
            return
        try:
            with Path(page).open("a", encoding="utf-8") as file:
                file.write(Markdown().render(comparison))
        except OSError as error:
            raise StorageError.of(page, error) from error


def _annotation(level: str, finding: Finding) -> str:
    title = f"{finding.tier} {finding.word}: {finding.cell}"
    return f"::{level} title={_property(title)}::{_data(finding.text)}"


def _data(text: str) -> str:
    """Escaped as the toolkit of GitHub Actions does (actions/toolkit, packages/core/src/command.ts)."""
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
