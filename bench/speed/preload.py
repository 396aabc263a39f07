"""Imports everything that a measuring process needs, without computing anything: processes are forked from here."""

from bench import zoo
from bench.backbones import BACKBONES
from bench.speed import worker

__all__ = ["worker"]

zoo.load()
BACKBONES.load_built_in()
