"""An audit as Markdown."""

from __future__ import annotations

from bench.audit.formats import AuditFormat, register_audit_format
from bench.audit.rows import HEADER
from bench.audit.run import Audit


@register_audit_format
class Markdown(AuditFormat):
    """A Markdown table, with the summary below it."""

    name = "md"

    def render(self, audit: Audit) -> str:
        lines = ["| " + " | ".join(HEADER) + " |", "| --- | --- | --- | ---: | ---: | ---: | --- | ---: |"]
        lines += ["| " + " | ".join(row.cells) + " |" for row in audit.rows]
        return "\n".join([*lines, "", audit.summary, ""])
