"""The formats of a report: the contract, and those that come with the benchmark."""

from __future__ import annotations

from bench.formats import Format
from bench.registry import Registry, states
from bench.report.report import Report


class ReportFormat(Format[Report]):
    """Base class of the formats of a report."""


REPORT_FORMATS: Registry[ReportFormat] = Registry(
    "report format",
    states("report format", "name"),
    built_in=[f"{__name__}.{module}" for module in ("markdown", "terminal", "csv", "latex", "json", "html")],
)
register_report_format = REPORT_FORMATS.register
