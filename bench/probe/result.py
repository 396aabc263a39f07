"""What a probe found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.probe.measures import Index, Share
from bench.probe.open_set import Clusters, Retrieval
from bench.probe.search import Trial

HEAD = "own head"


@dataclass(frozen=True)
class Shown:
    """What a part holds: images, those of classes that training does not show, classes, groups, and groups that
    training shows as well; None where groups are not known."""

    part: str
    images: int
    new: int
    classes: int
    groups: int | None
    shared: int | None


@dataclass(frozen=True)
class Row:
    """How well a classifier names the images of a part whose classes training shows.

    Attributes:
        classifier: with its parameters, or ``HEAD``.
        accuracy: plain. top1, top2: class-balanced.
        lead: of ``select`` over the network's own head, paired; None where there is none.
        confusion: (K, K) counts, true classes in rows.
    """

    classifier: str
    part: str
    images: int
    classes: int
    accuracy: float
    top1: Share
    top2: Share
    lead: Share | None
    confusion: Index


@dataclass(frozen=True)
class Open:
    """Retrieval and clusters among the images of one kind, ``seen`` or ``new`` classes, of a part."""

    part: str
    kind: str
    retrieval: Retrieval
    clusters: Clusters | None


@dataclass(frozen=True)
class Result:
    """All of a probe.

    Attributes:
        source, domain, backbone, reads: as tables tell them. dim: of an encoding.
        identity: of the encoder, and the settings of the probe.
        classes: names of those that training shows, in the order of confusions.
        chosen: the classifier of the best validation; empty where validation shows no class of training.
        trials: of each classifier whose parameters were searched.
        seconds: by what they were spent on.
    """

    source: str
    domain: str
    backbone: str
    reads: str
    dim: int
    select: str
    identity: Mapping[str, Any]
    classes: Sequence[str]
    shown: Sequence[Shown]
    rows: Sequence[Row]
    open: Sequence[Open]
    chosen: str
    trials: Mapping[str, Sequence[Trial]]
    seconds: Mapping[str, float]
