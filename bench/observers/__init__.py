"""Observers: they look at finished cells and read every record of a sweep, and change no number."""

from bench.observers.contract import OBSERVERS, Observer, ask, build_observers, choose_observers, register_observer
from bench.observers.course import points, settings

__all__ = [
    "OBSERVERS",
    "Observer",
    "ask",
    "build_observers",
    "choose_observers",
    "points",
    "register_observer",
    "settings",
]
