"""Tiny sweeps serve here, too."""

from tests.sweep.conftest import _forget_plug_ins, deadly, measured, sweep, tiny, weighted, written

__all__ = ["_forget_plug_ins", "deadly", "measured", "sweep", "tiny", "weighted", "written"]
