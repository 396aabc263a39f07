"""An audit as Markdown."""

from __future__ import annotations

from bench.audit.formats import AuditFormat, register_audit_format
from bench.audit.rows import HEADER
from bench.audit.run import Audit
from bench.markup import align, markdown_line


@register_audit_format
class Markdown(AuditFormat):
    """A Markdown table, with the summary below it."""

    name = "md"

    def render(self, audit: Audit) -> str:
        return f"{align(HEADER, [row.cells for row in audit.rows], left=3)}\n\n{markdown_line(audit.summary)}\n"
