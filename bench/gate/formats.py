"""A comparison as text: for terminals, Markdown, JSON, JUnit XML and GitHub."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from types import MappingProxyType

from bench.gate.comparison import Comparison
from bench.gate.finding import INCOMPLETE, Finding
from bench.gate.junit import to_junit
from bench.gate.terminal import LEGEND, to_terminal
from bench.text import align, escape

MOST_ANNOTATIONS = 10  # that GitHub shows of one step


def to_markdown(comparison: Comparison) -> str:
    """The summary and a table of everything that is not the same."""
    blocks = [f"**{comparison.summary}**", f"`{comparison.new}` against `{comparison.base}`"]
    if comparison.notable:
        rows = [[f"`{one.mark}`", one.word, one.tier, escape(one.cell), escape(one.text)] for one in comparison.notable]
        blocks += [align(["", "verdict", "tier", "cell", "what was seen"], rows, left=5), LEGEND]
    return "\n\n".join(blocks) + "\n"


def to_json(comparison: Comparison) -> str:
    """Everything, those that are the same too."""
    content = {
        "schema": 1,
        "base": comparison.base,
        "new": comparison.new,
        "rules": asdict(comparison.rules),
        "exit_code": comparison.exit_code,
        "summary": comparison.summary,
        "cells": comparison.cells,
        "findings": [{**asdict(one), "mark": one.mark} for one in comparison.findings],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def to_github(comparison: Comparison) -> str:
    """Workflow commands: an error for what is worse, failed or missing, a warning for what is undecided."""
    errors = [one for one in comparison.notable if one.word == "worse" or one.word in INCOMPLETE]
    warnings = [one for one in comparison.notable if one.word == "undecided"]
    lines = [_annotation("error", one) for one in errors[:MOST_ANNOTATIONS]]
    lines += [_annotation("warning", one) for one in warnings[:MOST_ANNOTATIONS]]
    return "\n".join([*lines, comparison.summary]) + "\n"


def _annotation(level: str, finding: Finding) -> str:
    title = f"{finding.tier} {finding.word}: {finding.cell}"
    return f"::{level} title={_property(title)}::{_data(finding.text)}"


def _data(text: str) -> str:
    """Escaped as the toolkit of GitHub Actions does (actions/toolkit, packages/core/src/command.ts)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: MappingProxyType[str, Callable[[Comparison], str]] = MappingProxyType(
    {"table": to_terminal, "md": to_markdown, "json": to_json, "junit": to_junit, "github": to_github}
)
