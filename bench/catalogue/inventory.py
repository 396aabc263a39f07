"""Rows of ``bench list``, one function per kind. Imports torch, and each function what only its kind needs."""

from __future__ import annotations

from bench.backbones import BACKBONES, create_backbone
from bench.domain import DOMAINS
from bench.fusion import FUSIONS, FeatureSpec, MapShape
from bench.metrics import HIGHER, LOWER, METRICS, NEITHER
from bench.model import IMAGE, count_joint
from bench.source import source_file

Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]
BETTER = {HIGHER: "higher", LOWER: "lower", NEITHER: ""}
REFERENCE_BACKBONE = "mobilenetv3_small_32"
# What all fusions are sized for where no backbone is meant.
EXAMPLE = FeatureSpec(IMAGE, (MapShape(64, 8, 8), *[MapShape(64, 4, 4)] * 3), MapShape(64, 4, 4), 64)


def fusions() -> Rows:
    """Name, family, what it joins, symmetry, parameters of fusion and head on 64-dimensional features, paper."""
    rows: list[tuple[str, ...]] = []
    for name in fusions_by_family():
        cls = FUSIONS.get(name)
        symmetric = "yes" if cls.symmetric else "no"
        rows.append((name, cls.family, cls.needs, symmetric, f"{fusion_parameters(name):,}", cls.paper))
    return ("name", "family", "needs", "symmetric", "parameters at 64-d", "paper"), rows


def fusions_by_family() -> list[str]:
    """Names of all fusions by family, those that take no part in the comparison last."""
    return sorted(FUSIONS, key=lambda name: (FUSIONS.get(name).role != "fusion", FUSIONS.get(name).family, name))


def fusion_parameters(name: str) -> int:
    """Parameters of a fusion, by name with parameters, with its head and without the backbone, for :data:`EXAMPLE`."""
    return count_joint(FUSIONS.settle(name), EXAMPLE)


def backbones() -> Rows:
    """Name, parameters, map, embedding, first line of the description."""
    rows: list[tuple[str, ...]] = []
    for name in BACKBONES:
        backbone = create_backbone(name, IMAGE)
        shape = backbone.spec.map
        size = sum(p.numel() for p in backbone.parameters())
        rows.append(
            (
                name,
                f"{size:,}",
                f"{shape.channels}x{shape.height}x{shape.width}",
                str(backbone.spec.dim),
                first_line(type(backbone)),
            )
        )
    rows.append(("timm:NAME", "", "", "", "any model of timm that keeps a 4x4 map on these images"))
    return ("name", "parameters", "map", "embedding", "what"), rows


def domains() -> Rows:
    """Name, version, classes, where it is defined."""
    rows: list[tuple[str, ...]] = []
    for name in DOMAINS:
        cls = DOMAINS.get(name)
        rows.append((name, str(cls.version), first_line(cls), source_file(cls).name))
    return ("name", "version", "what", "file"), rows


def warmups() -> Rows:
    """Name, what the backbone learns or starts from, what it is judged by."""
    from bench.training.warmup import WARMUPS, WarmupTask

    rows: list[tuple[str, ...]] = []
    for name in WARMUPS:
        cls = WARMUPS.get(name)
        measure = f"{cls.measure.name} ({cls.measure.better} is better)" if issubclass(cls, WarmupTask) else ""
        rows.append((name, first_line(cls), measure))
    return ("name", "what", "measure"), rows


def objectives() -> Rows:
    """Name, what the term reads, paper."""
    from bench.training.objectives import OBJECTIVES

    rows: list[tuple[str, ...]] = []
    for name in OBJECTIVES:
        term = OBJECTIVES.get(name)
        rows.append((name, term.reads, term.paper))
    return ("name", "reads", "paper"), rows


def plots() -> Rows:
    """Name, what it shows, what it needs."""
    from bench.plots.contract import PLOTS

    rows: list[tuple[str, ...]] = []
    for name in PLOTS:
        plot = PLOTS.get(name)
        rows.append((name, first_line(plot), "leaderboard.csv" if plot.needs == "lines" else "run folder"))
    return ("name", "shows", "needs"), rows


def metrics() -> Rows:
    """Name, what it says, which direction is better, its unit, what chance scores."""
    rows: list[tuple[str, ...]] = []
    for metric in METRICS.classes:
        chance = "" if metric.chance is None else f"{metric.chance:g}"
        rows.append((metric.name, first_line(metric), BETTER[metric.direction], metric.unit, chance))
    return ("name", "what", "better", "unit", "chance"), rows


def first_line(cls: type) -> str:
    """First line of a class's docstring."""
    return (cls.__doc__ or "").strip().splitlines()[0]
