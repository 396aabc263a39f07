"""A report as CSV."""

from __future__ import annotations

from bench.records import leaderboard
from bench.report.against_baseline import COMPARED, verdict_columns
from bench.report.formats import ReportFormat, register_report_format
from bench.report.report import Report


@register_report_format
class Csv(ReportFormat):
    """The leaderboard of all runs together, with what the comparison found in columns at the end."""

    name = "csv"

    def render(self, report: Report) -> str:
        rows = leaderboard.rows(report.entries, report.metrics[0])
        if report.baseline is None:
            return leaderboard.to_csv(rows)
        known = {key: columns for section, found in report.compared for key, columns in verdict_columns(section, found)}
        compared = [row | known.get(leaderboard.key_of(row), {}) for row in rows]
        return leaderboard.to_csv(compared, COMPARED)
