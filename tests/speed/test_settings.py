"""Clocks, where the system tells."""

from __future__ import annotations

import pytest
import torch

from bench.speed.settings import gpu_clock


def test_a_management_library_that_fails_costs_the_clock_and_not_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> int:
        raise type("NVMLError_NotSupported", (Exception,), {})("not here")

    monkeypatch.setattr(torch.cuda, "clock_rate", fails)
    assert gpu_clock() == {"clock_mhz": None, "clock_unknown": "NVMLError_NotSupported: not here"}
