"""A comparison as JSON."""

from __future__ import annotations

from dataclasses import asdict

from bench.gate.comparison import Comparison
from bench.gate.formats import CheckFormat, register_check_format
from bench.markup import json_text


@register_check_format
class Json(CheckFormat):
    """Everything, those that are the same too."""

    name = "json"

    def render(self, comparison: Comparison) -> str:
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
        return json_text(content)
