"""Every kind of thing that can be registered, with what it must do beyond what all of them must."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.catalogue import kinds as catalogue
from bench.conformance import domains, encoders, metrics, registered
from bench.registry import Choice, Registry

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
# How one is built for its own checks, and these, by the name under which the catalogue has the kind.
OWN: Mapping[str, tuple[Callable[[Choice[Any]], Any], Mapping[str, Check]]] = {
    "backbones": (
        encoders.backbone,
        {"map": encoders.map_size, "both_signs": encoders.both_signs, "one_pass": encoders.one_pass},
    ),
    "domains": (
        domains.Drawn,
        {
            "pixels": domains.pixels,
            "latents": domains.latents,
            "balanced": domains.balanced,
            "numbered": domains.numbered,
            "collected": domains.collected,
            "apart": domains.apart,
            "named": domains.named,
            "related": domains.related,
            "identity": domains.identity,
        },
    ),
    "warmups": (encoders.warmup, {"examples": encoders.examples, "measured": encoders.measured}),
    "objectives": (encoders.objective, {"finite": encoders.finite_loss}),
    "metrics": (
        _built,
        {"finite": metrics.finite_value, "in_range": metrics.in_range, "any_order": metrics.any_order},
    ),
}
KINDS: Mapping[str, Kind] = {
    kind.registry.kind: Kind(kind.registry, *OWN.get(name, ())) for name, kind in catalogue.KINDS.items()
}
