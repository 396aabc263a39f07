"""An audit as JSON."""

from __future__ import annotations

from dataclasses import asdict

from bench.audit.formats import AuditFormat, register_audit_format
from bench.audit.run import Audit
from bench.markup import json_text


@register_audit_format
class Json(AuditFormat):
    """All fields of all rows; shares and accuracies between 0 and 1."""

    name = "json"

    def render(self, audit: Audit) -> str:
        return json_text({**asdict(audit), "passed": audit.passed})
