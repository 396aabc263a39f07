"""What the studies found, case by case. ``.ci/write_studies.py`` writes the file from their records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

FILE = Path(__file__).with_name("cases.json")


class Case(BaseModel):
    """Pairs of one kind, and what joined them best.

    Attributes:
        pairs: what they are like, in words.
        protocol: how the networks were trained.
        aligned: whether one place is the same in both images; None where both were tried.
        metric, domains, repetitions, backbone: what was measured on which data, how often, behind which encoder.
        shift: of these domains, under which it was; empty for none.
        train_pairs: that training had, where a study asks for several numbers; else None.
        use: fusions that may be the best on the mean over the domains, best first. of: how many were compared.
        over: the yardstick. lead, low, high: how far the best one is ahead of it, in the unit of the metric, with the
            95 % interval for whichever is the best.
        macs: multiply-adds of a pair by the best one, both encodings included, as a share of those by the yardstick.
        avoid: the last three on the mean, worst first.
        study: whose page tells more. run: the one of it that was read, where it has several; else empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pairs: str
    protocol: str
    aligned: bool | None
    metric: str
    domains: list[str]
    shift: str
    train_pairs: int | None
    repetitions: int
    backbone: str
    use: list[str]
    of: int
    over: str
    lead: float
    low: float
    high: float
    macs: float
    avoid: list[str]
    study: str
    run: str


def read_cases() -> Sequence[Case]:
    """All cases, in the order of the studies."""
    return TypeAdapter(list[Case]).validate_json(FILE.read_bytes())


def measured_on(domain: str, protocol: str | None) -> list[Case]:
    """The cases of this very domain; None stands for any protocol."""
    return [case for case in _trained(protocol) if domain in case.domains]


def aligned_as(aligned: bool | None, protocol: str | None) -> list[Case]:
    """The cases whose pairs are aligned or not as these; None stands for any."""
    return [case for case in _trained(protocol) if None in (aligned, case.aligned) or case.aligned == aligned]


def _trained(protocol: str | None) -> list[Case]:
    return [case for case in read_cases() if protocol in (None, case.protocol)]
