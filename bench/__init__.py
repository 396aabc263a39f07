"""fusebench: benchmark how a network should join two images."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

# Imported when first used: torch takes seconds, and reading results takes none of it.
_OFFERED = {
    "bench.api": ("Pictures", "Results", "load", "load_model", "run"),
    "bench.backbones": ("Backbone", "register_backbone"),
    "bench.domain": ("Domain", "Images", "Pairs", "register_domain"),
    "bench.errors": ("NotApplicableError", "UsageError"),
    "bench.fusion": ("FeatureSpec", "Fusion", "MapShape", "mlp", "register"),
    "bench.sweep.config": ("SweepConfig",),
    "bench.training.objectives": ("Term", "register_objective"),
    "bench.training.warmup": ("WarmupTask", "register_warmup"),
}
_HOME = {name: module for module, names in _OFFERED.items() for name in names}

if TYPE_CHECKING:
    from bench.api import Pictures as Pictures
    from bench.api import Results as Results
    from bench.api import load as load
    from bench.api import load_model as load_model
    from bench.api import run as run
    from bench.backbones import Backbone as Backbone
    from bench.backbones import register_backbone as register_backbone
    from bench.domain import Domain as Domain
    from bench.domain import Images as Images
    from bench.domain import Pairs as Pairs
    from bench.domain import register_domain as register_domain
    from bench.errors import NotApplicableError as NotApplicableError
    from bench.errors import UsageError as UsageError
    from bench.fusion import FeatureSpec as FeatureSpec
    from bench.fusion import Fusion as Fusion
    from bench.fusion import MapShape as MapShape
    from bench.fusion import mlp as mlp
    from bench.fusion import register as register
    from bench.sweep.config import SweepConfig as SweepConfig
    from bench.training.objectives import Term as Term
    from bench.training.objectives import register_objective as register_objective
    from bench.training.warmup import WarmupTask as WarmupTask
    from bench.training.warmup import register_warmup as register_warmup
else:

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'bench' has no attribute {name!r}")
        return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*_HOME, "__version__"])
