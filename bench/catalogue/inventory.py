"""Rows of ``bench list``, one function per kind. Imports torch: only loaded once a kind is asked for."""

from __future__ import annotations

from bench.backbones import BACKBONES, create_backbone
from bench.domain import DOMAINS
from bench.fusion import FUSIONS
from bench.model import IMAGE, build_fusion, build_head, feature_spec
from bench.spec import Spec
from bench.training.warmup import WARMUPS
from bench.zoo import source_file

Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]
# Families that take no part in the comparison.
BESIDE = ("control", "reference")
REFERENCE_BACKBONE = "mobilenetv3_small_32"


def fusions() -> Rows:
    """Name, family, what it joins, symmetry, parameters of fusion and head on the default backbone, paper."""
    rows: list[tuple[str, ...]] = []
    for name in sorted(FUSIONS, key=lambda name: (FUSIONS.get(name).family in BESIDE, FUSIONS.get(name).family, name)):
        cls = FUSIONS.get(name)
        symmetric = "yes" if cls.symmetric else "no"
        rows.append((name, cls.family, cls.needs, symmetric, f"{fusion_parameters(name):,}", cls.paper))
    return ("name", "family", "needs", "symmetric", "parameters", "paper"), rows


def fusion_parameters(name: str) -> int:
    """Parameters of a fusion with its head, without the backbone, for features of the default backbone."""
    fusion = build_fusion(Spec(name), feature_spec(REFERENCE_BACKBONE, IMAGE))
    if fusion.needs in ("pixels", "stage") and fusion.encoder != "none":
        fusion.out_dim = feature_spec(REFERENCE_BACKBONE, IMAGE).dim
    parts = [fusion, build_head(fusion)]
    return sum(p.numel() for part in parts for p in part.parameters())


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
    """Name and what it does."""
    return ("name", "what"), list(WARMUPS.items())


def first_line(cls: type) -> str:
    """First line of a class's docstring."""
    return (cls.__doc__ or "").strip().splitlines()[0]
