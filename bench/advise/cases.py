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
        use: fusions that may be the best on the mean over the domains, best first. of: how many were compared.
        over: the yardstick. lead, low, high: how far the best one is ahead of it, in the unit of the metric, with the
            95 % interval for whichever is the best.
        avoid: the last three on the mean, worst first.
        study: whose page tells more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pairs: str
    protocol: str
    aligned: bool | None
    metric: str
    domains: list[str]
    repetitions: int
    backbone: str
    use: list[str]
    of: int
    over: str
    lead: float
    low: float
    high: float
    avoid: list[str]
    study: str

    def fits(self, protocol: str | None, aligned: bool | None) -> bool:
        """Whether it says something of pairs like these; None stands for any."""
        return (protocol is None or self.protocol == protocol) and (
            aligned is None or self.aligned is None or self.aligned == aligned
        )


def read_cases() -> Sequence[Case]:
    """All cases, in the order of the studies."""
    return TypeAdapter(list[Case]).validate_json(FILE.read_bytes())
