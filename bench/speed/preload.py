"""Imports everything that a measuring process needs, without computing anything and without code of others: processes
are forked from here."""

from importlib import import_module

from bench import zoo
from bench.backbones import BACKBONES
from bench.speed import worker

__all__ = ["worker"]

zoo.load_built_in()
BACKBONES.load_built_in()
# Fusions that solve an assignment import it when they first run; within a measurement it would count as theirs.
import_module("scipy.optimize")
