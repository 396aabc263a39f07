"""Which fusions are tried on which backbones where not all pairs are needed; ``make conformance`` sees them all."""

from __future__ import annotations

from bench import zoo
from bench.backbones import BACKBONES
from bench.fusion import FUSIONS

DEFAULT = "mobilenetv3_small_32"


def one_of_each_way(*without: str) -> list[str]:
    """A fusion of each way to use a backbone."""
    zoo.load()
    ways: dict[tuple[object, ...], str] = {}
    for name in FUSIONS:
        cls = FUSIONS.get(name)
        if name not in without:
            ways.setdefault((cls.needs, cls.encoder, cls.towers, cls.sees, cls.supervision), name)
    return list(ways.values())


def fusions_and_backbones(*without: str) -> list[tuple[str, str]]:
    """Every fusion on the default backbone, and one of each way to use a backbone on the others."""
    ways = one_of_each_way(*without)
    others = [backbone for backbone in BACKBONES if backbone != DEFAULT]
    names = [name for name in FUSIONS if name not in without]
    return [(name, DEFAULT) for name in names] + [(name, backbone) for backbone in others for name in ways]
