"""Objectives: what training minimises, as a weighted sum of terms."""

from bench.training.objectives import arcface, metric_learning, pairwise, scores, similarity, triplet, vicreg
from bench.training.objectives.contract import OBJECTIVES, Batch, Space, Term, register_objective
from bench.training.objectives.objective import Objective
from bench.training.objectives.scores import bce

__all__ = [
    "OBJECTIVES",
    "Batch",
    "Objective",
    "Space",
    "Term",
    "arcface",
    "bce",
    "metric_learning",
    "pairwise",
    "register_objective",
    "scores",
    "similarity",
    "triplet",
    "vicreg",
]
