"""Backbone, fusion and head composed into one score per pair."""

from bench.backbones import standardise
from bench.model.base import PairModel, ReadOut, build_head
from bench.model.build import IMAGE, build_fusion, build_model, count_joint, feature_spec
from bench.model.kinds import Symmetrized

__all__ = [
    "IMAGE",
    "PairModel",
    "ReadOut",
    "Symmetrized",
    "build_fusion",
    "build_head",
    "build_model",
    "count_joint",
    "feature_spec",
    "standardise",
]
