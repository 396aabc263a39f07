"""The program, called in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from bench import cli


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the program in this process and returns its exit code."""

    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["bench", *map(str, arguments)])
        return cli.execute()

    return run
