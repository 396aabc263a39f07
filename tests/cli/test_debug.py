"""``bench debug`` on the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def test_a_part_of_its_one_cell_is_refused(bench: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("debug", "concat", "--part", "2/2") == 2
    assert "No such option: --part" in capsys.readouterr().err
