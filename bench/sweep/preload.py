"""Imports what cells need, without computing anything: workers are forked from here (:mod:`bench.fork_server`)."""

from importlib import import_module

from bench import zoo
from bench.backbones import BACKBONES

zoo.load_built_in()
BACKBONES.load_built_in()
# Imported when the first cell trains and is evaluated otherwise, in every worker anew.
for name in ("bench.sweep.bundle", "bench.sweep.prepare", "sklearn.metrics"):
    import_module(name)
