"""Which fusions an objective and auxiliary heads can train: reasons against a combination, known before it runs."""

from __future__ import annotations

from collections.abc import Mapping

from bench.fusion import Fusion
from bench.training.augment import Augmentation
from bench.training.objectives import Objective
from bench.training.recipe import DEFAULT_OBJECTIVE, Protocol


def trained_by_objective(fusion: Fusion) -> bool:
    """Whether the objective trains it: references that are trained on names or know the generator do without."""
    return fusion.supervision == "pairs" and fusion.sees != "likelihoods"


def why_not_objective(fusion: Fusion, objective: Objective, protocol: Protocol) -> str:
    """Why ``objective`` cannot train a fusion under a protocol; empty where it can."""
    if not trained_by_objective(fusion):
        return ""
    if objective.on_encodings:
        term = objective.on_encodings[0].spec
        missing = why_no_encodings(fusion)
        if missing:
            return f"{term} trains encodings of single images, and {missing}"
        if protocol == "frozen":
            return f"{term} trains the encoder, and the frozen protocol trains none"
        if fusion.encoder == "random":
            return f"{term} trains the encoder, and that of {fusion.name} stays random"
    return "" if objective.on_scores else _why_no_score(fusion, objective)


def why_not_unnamed(fusion: Fusion, objective: Objective) -> str:
    """Why a fusion cannot be trained where only pairs are labelled, and not what an image shows; empty where it can."""
    known = "only pairs are labelled here, not what an image shows"
    if fusion.supervision == "names":
        return f"{fusion.name} is trained on the names of single images, and {known}"
    if trained_by_objective(fusion) and objective.on_encodings:
        return f"{objective.on_encodings[0].spec} compares images of different pairs, and {known}"
    return ""


def why_not_auxiliary(fusion: Fusion, weights: Mapping[str, float]) -> str:
    """Why auxiliary heads cannot be trained beside a fusion; empty where they can or where there are none."""
    missing = why_no_encodings(fusion) if weights else ""
    return f"auxiliary heads read encodings of single images, and {missing}" if missing else ""


def why_not_augment(fusion: Fusion, augment: Augmentation, protocol: Protocol, weights: Mapping[str, float]) -> str:
    """Why training images of a fusion cannot be augmented beside auxiliary heads of ``weights``; empty where they can,
    where there is nothing to augment, and where nothing is trained."""
    if not augment or fusion.sees == "likelihoods":
        return ""
    if protocol == "frozen" and fusion.encoder != "none":
        return "the frozen protocol encodes every image once, before any training, and augment alters it at each step"
    lost = [name for name in weights if name != "name"] if augment.moves else []
    return f"augment={augment} moves the figures that auxiliary heads locate: {', '.join(lost)}" if lost else ""


def why_no_encodings(fusion: Fusion) -> str:
    """Why a model of the fusion has no encodings of single images; empty where it has."""
    if fusion.encoder == "none":
        return f"{fusion.name} has no encoder"
    if fusion.needs == "pixels":
        return f"{fusion.name} joins the images before they are encoded"
    if fusion.needs in ("stage", "exchange"):
        return f"{fusion.name} joins the maps inside the backbone"
    return f"{fusion.name} encodes A and B with different towers" if fusion.towers == 2 else ""


def _why_no_score(fusion: Fusion, objective: Objective) -> str:
    """An objective without scores trains the encoder alone: what the fusion itself would learn stays as it was."""
    instead = f"use {DEFAULT_OBJECTIVE}+{objective}"
    if fusion.head != "score":
        what = f"learns a head ({fusion.head}) on scores"
        return f"{objective} trains the encoder alone, and {fusion.name} {what}; {instead}"
    # Scale and bias of a similarity may stay: they do not change the order of the pairs.
    learned = sum(p.numel() for p in fusion.parameters() if p.numel() > 1)
    if learned:
        return f"{objective} trains the encoder alone, and {fusion.name} has {learned:,} weights of its own; {instead}"
    return ""
