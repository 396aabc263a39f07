"""A report as an HTML page."""

from __future__ import annotations

from bench.report.formats import ReportFormat, register_report_format
from bench.report.report import Report


@register_report_format
class Html(ReportFormat):
    """One page that opens offline; needs the extra ``html``, and raises ``UsageError`` without it."""

    name = "html"

    def render(self, report: Report) -> str:
        from bench.report.page.page import render  # with pandas, which no other format needs

        return render(report)
