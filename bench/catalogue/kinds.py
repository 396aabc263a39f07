"""The kinds of things that can be chosen by name: where each is registered, and what is told of one in a table.

Nothing heavy is imported before a table is made: the command line reads the names of the kinds.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.metrics import HIGHER, LOWER, NEITHER
from bench.registry import Registry
from bench.source import source_file

if TYPE_CHECKING:
    from bench.backbones import Backbone
    from bench.fusion import FeatureSpec

BETTER = {HIGHER: "higher", LOWER: "lower", NEITHER: ""}

Fact = Callable[[type[Any]], str]


@dataclass(frozen=True)
class Kind:
    """An axis as ``bench list``, ``bench show`` and the reference page tell it.

    Attributes:
        where: its registry, as ``module:NAME``: importing all of them takes seconds.
        facts: what a table says of a class, by column.
        order: of the rows; None for that of registration.
        folders: of the built-in plug-ins that it comes from.
        note: what can be chosen beside the registered ones.
    """

    where: str
    facts: Mapping[str, Fact]
    order: Callable[[type[Any]], Any] | None = field(default=lambda cls: cls.name)
    folders: tuple[str, ...] = ()
    note: str = ""

    @property
    def registry(self) -> Registry[Any]:
        """Its registry."""
        module, _, name = self.where.partition(":")
        found: Registry[Any] = getattr(importlib.import_module(module), name)
        return found

    @property
    def classes(self) -> Sequence[type[Any]]:
        """Its classes in the order of the table."""
        classes = self.registry.classes
        return classes if self.order is None else sorted(classes, key=self.order)

    def rows(self) -> list[tuple[str, ...]]:
        """A row for each class: its name, then its facts."""
        return [(cls.name, *(fact(cls) for fact in self.facts.values())) for cls in self.classes]


def what(cls: type) -> str:
    """First sentence or line of a class's docstring."""
    return (cls.__doc__ or "").strip().splitlines()[0]


def options(cls: type, given: Sequence[str]) -> dict[str, Any]:
    """Parameters with their defaults, without those that the harness supplies."""
    parameters = [one for one in inspect.signature(cls).parameters.values() if one.name not in given]
    return {one.name: one.default for one in parameters if one.default is not one.empty}


@cache
def example() -> FeatureSpec:
    """What all fusions are sized for where no backbone is meant."""
    from bench.fusion import FeatureSpec, MapShape
    from bench.model import IMAGE

    return FeatureSpec(IMAGE, (MapShape(64, 8, 8), *[MapShape(64, 4, 4)] * 3), MapShape(64, 4, 4), 64)


def fusion_parameters(name: str) -> str:
    """Parameters of a fusion, by name with parameters, with its head and without the backbone, for :func:`example`."""
    from bench.fusion import FUSIONS
    from bench.model import count_joint

    return f"{count_joint(FUSIONS.settle(name), example()):,}"


@cache
def _built(name: str) -> Backbone:
    from bench.backbones import create_backbone
    from bench.model import IMAGE

    return create_backbone(name, IMAGE)


def _map(cls: type[Backbone]) -> str:
    shape = _built(cls.name).spec.map
    return f"{shape.channels}x{shape.height}x{shape.width}"


def _measure(cls: type[Any]) -> str:
    return f"{cls.measure.name} ({cls.measure.better} is better)" if cls.weights == "computed" else ""


KINDS: Mapping[str, Kind] = {
    "fusions": Kind(
        "bench.fusion:FUSIONS",
        {
            "family": lambda cls: cls.family,
            "needs": lambda cls: cls.needs,
            "symmetric": lambda cls: "yes" if cls.symmetric else "no",
            "parameters at 64-d": lambda cls: fusion_parameters(cls.name),
            "paper": lambda cls: cls.paper,
        },
        order=lambda cls: (cls.role != "fusion", cls.family, cls.name),
        folders=("fusions",),
    ),
    "backbones": Kind(
        "bench.backbones:BACKBONES",
        {
            "parameters": lambda cls: f"{sum(p.numel() for p in _built(cls.name).parameters()):,}",
            "map": _map,
            "embedding": lambda cls: str(_built(cls.name).spec.dim),
            "what": what,
        },
        note="Also timm:NAME: any model of timm that keeps a 4x4 map on these images.",
    ),
    "domains": Kind(
        "bench.domain:DOMAINS",
        {"version": lambda cls: str(cls.version), "what": what, "file": lambda cls: source_file(cls).name},
        folders=("datasets",),
    ),
    "warmups": Kind(
        "bench.training.warmup:WARMUPS",
        {"what": what, "measure": _measure},
        note="Those with a measure take images=own: training images of the domain itself in place of the bank.",
    ),
    "objectives": Kind(
        "bench.training.objectives:OBJECTIVES", {"reads": lambda cls: cls.reads, "paper": lambda cls: cls.paper}
    ),
    "metrics": Kind(
        "bench.metrics:METRICS",
        {
            "what": what,
            "better": lambda cls: BETTER[cls.direction],
            "unit": lambda cls: cls.unit,
            "chance": lambda cls: "" if cls.chance is None else f"{cls.chance:g}",
        },
        order=None,
    ),
    "observers": Kind("bench.observers:OBSERVERS", {"what": what}),
    "executors": Kind("bench.executors:EXECUTORS", {"what": what}),
    "plots": Kind(
        "bench.plots.contract:PLOTS",
        {"shows": what, "needs": lambda cls: "leaderboard.csv" if cls.needs == "lines" else "run folder"},
    ),
    "views": Kind("bench.look.contract:VIEWS", {"shows": what}, order=None),
    "report-formats": Kind("bench.report.formats:REPORT_FORMATS", {"what": what}),
    "check-formats": Kind("bench.gate.formats:CHECK_FORMATS", {"what": what}),
    "audit-formats": Kind("bench.audit.formats:AUDIT_FORMATS", {"what": what}),
    "classifiers": Kind("bench.probe.contract:CLASSIFIERS", {"what": what}),
    "audit-baselines": Kind("bench.audit.baselines:AUDIT_BASELINES", {"what": what}, order=None),
}
