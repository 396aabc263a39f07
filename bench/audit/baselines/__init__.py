"""The baselines of an audit: the contract, and those that come with the benchmark in the order of the table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from bench.audit.draws import Draws
from bench.audit.rows import Row
from bench.registry import Registry, states


class AuditBaseline(ABC):
    """Base class of what an audit asks of a domain.

    - ``name``: as typed after ``--baseline``, and as the table shows it.

    The first line of the docstring says what is asked. Constructor parameters are typed and have defaults.
    """

    name: ClassVar[str]

    def needs_warm_up(self, draws: Draws) -> bool:
        """Whether :meth:`rows` reads ``draws.warm_up()``, which is then there before its time is taken."""
        return False

    @abstractmethod
    def rows(self, draws: Draws) -> Iterator[Row]:
        """The rows that it adds to the table, one after the other: each is timed."""


BUILT_IN = (
    "unary additive rematched one_place nuisances statistics shape_blind permuted_labels "
    "nearest_neighbour shuffled_pairs files duplicates balance contrast"
)
AUDIT_BASELINES: Registry[AuditBaseline] = Registry(
    "audit baseline",
    states("audit baseline", "name"),
    built_in=[f"{__name__}.{module}" for module in BUILT_IN.split()],
)
register_audit_baseline = AUDIT_BASELINES.register
