"""The formats of an audit: the contract, and those that come with the benchmark."""

from __future__ import annotations

from bench.audit.run import Audit
from bench.formats import Format
from bench.registry import Registry, states


class AuditFormat(Format[Audit]):
    """Base class of the formats of an audit."""


AUDIT_FORMATS: Registry[AuditFormat] = Registry(
    "audit format",
    states("audit format", "name"),
    built_in=[f"{__name__}.{module}" for module in ("table", "markdown", "json")],
)
register_audit_format = AUDIT_FORMATS.register
