"""The formats of a comparison: the contract, and those that come with the benchmark."""

from __future__ import annotations

from bench.formats import Format
from bench.gate.comparison import Comparison
from bench.registry import Registry, states


class CheckFormat(Format[Comparison]):
    """Base class of the formats of ``bench compare`` and ``bench check``."""


CHECK_FORMATS: Registry[CheckFormat] = Registry(
    "check format",
    states("check format", "name"),
    built_in=[f"{__name__}.{module}" for module in ("table", "markdown", "comment", "json", "junit", "github")],
)
register_check_format = CHECK_FORMATS.register
