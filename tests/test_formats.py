"""Formats: which ones there are, in which order, and when plug-ins are loaded for one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench import formats
from bench.audit.formats import AUDIT_FORMATS
from bench.formats import choose_format
from bench.gate.formats import CHECK_FORMATS
from bench.report.formats import REPORT_FORMATS


def test_what_comes_with_the_benchmark_in_the_order_of_the_help() -> None:
    assert [form.name for form in REPORT_FORMATS.classes] == ["md", "terminal", "csv", "tex", "json", "html"]
    assert [form.name for form in CHECK_FORMATS.classes] == ["table", "md", "comment", "json", "junit", "github"]
    assert [form.name for form in AUDIT_FORMATS.classes] == ["table", "md", "json"]


def test_the_order_does_not_depend_on_which_is_imported_first() -> None:
    code = "import bench.report.formats.json as one; from bench.report.formats import REPORT_FORMATS as all;"
    code += "print(*(form.name for form in all.classes))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["md", "terminal", "csv", "tex", "json", "html"]


def test_plugins_are_loaded_only_for_a_name_that_nobody_has(monkeypatch: pytest.MonkeyPatch, registries: None) -> None:
    loads = []

    def load(built_in: object) -> None:
        loads.append(built_in)
        REPORT_FORMATS.register(type("Mine", (REPORT_FORMATS.get("md"),), {"name": "mine", "__doc__": "Mine."}))

    monkeypatch.setattr(formats.zoo, "load", load)
    assert choose_format(REPORT_FORMATS, "md").name == "md"
    assert loads == []
    assert choose_format(REPORT_FORMATS, "mine").name == "mine"
    assert loads == [()]
