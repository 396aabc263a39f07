"""Every kind of thing that can be registered, with what it must do beyond what all of them must."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.audit.baselines import AUDIT_BASELINES
from bench.audit.formats import AUDIT_FORMATS
from bench.backbones import BACKBONES
from bench.conformance import domains, encoders, metrics, registered
from bench.domain import DOMAINS
from bench.executors import EXECUTORS
from bench.fusion import FUSIONS
from bench.gate.formats import CHECK_FORMATS
from bench.metrics import METRICS
from bench.observers import OBSERVERS
from bench.plots.contract import PLOTS
from bench.registry import Choice, Registry
from bench.report.formats import REPORT_FORMATS
from bench.training.objectives import OBJECTIVES
from bench.training.warmup import WARMUPS

Check = Callable[[Any], None]


def _built(choice: Choice[Any]) -> Any:
    """An object with its defaults, where the harness supplies nothing to the constructor."""
    return None if choice.registry.given else choice.build()


@dataclass(frozen=True)
class Kind:
    """One kind.

    Attributes:
        build: what its own checks are run on; it raises ``NotApplicableError`` where they cannot be.
        checks: its own checks by name.
    """

    registry: Registry[Any]
    build: Callable[[Choice[Any]], Any] = _built
    checks: Mapping[str, Check] = field(default_factory=dict)


OF_ALL: Mapping[str, Check] = {
    "described": registered.described,
    "parameters": registered.parameters,
    "text": registered.text,
}
KINDS: Mapping[str, Kind] = {
    kind.registry.kind: kind
    for kind in (
        Kind(FUSIONS),
        Kind(BACKBONES, encoders.backbone, {
            "map": encoders.map_size, "both_signs": encoders.both_signs, "one_pass": encoders.one_pass,
        }),
        Kind(DOMAINS, domains.Drawn, {
            "pixels": domains.pixels, "latents": domains.latents, "balanced": domains.balanced,
            "numbered": domains.numbered, "apart": domains.apart, "named": domains.named,
            "related": domains.related, "identity": domains.identity,
        }),
        Kind(WARMUPS, encoders.warmup, {"examples": encoders.examples, "measured": encoders.measured}),
        Kind(OBJECTIVES, encoders.objective, {"finite": encoders.finite_loss}),
        Kind(METRICS, checks={
            "finite": metrics.finite_value, "in_range": metrics.in_range, "any_order": metrics.any_order,
        }),
        Kind(OBSERVERS), Kind(EXECUTORS), Kind(PLOTS), Kind(REPORT_FORMATS), Kind(CHECK_FORMATS),
        Kind(AUDIT_FORMATS), Kind(AUDIT_BASELINES),
    )
}  # fmt: skip
