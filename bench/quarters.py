"""Quarters: pairs of seen or new classes in seen or new groups, the 2 x 2 that tells what a model has learned.

A class or a group is seen where training shows it, and new where neither training nor validation does.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

QUARTERS: Mapping[str, str] = MappingProxyType(
    {
        "seen": "seen classes, seen groups",
        "novel_group": "seen classes, new groups",
        "novel": "new classes, seen groups",
        "novel_both": "new classes, new groups",
    }
)
