"""References: entries that know more than a fusion may, and how close a fusion comes to naming both images."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

import numpy as np

from bench.records.blocks import complete_blocks
from bench.records.entries import Entry, chance_error
from bench.records.record import Group
from bench.stats.intervals import Estimates, estimate

NAMING = "name_then_xnor"
ORACLES = ("template_oracle", "mask_oracle")
# Of records that do not say it themselves.
KNOWS = MappingProxyType(
    {
        NAMING: "is trained on the names of the shapes (stronger supervision) and compares the two names it finds",
        "mask_oracle": "sees the true mask of each figure",
        "template_oracle": "knows the generator that draws the images",
    }
)
UNDEFINED = estimate(np.empty((0, 1)))


def knowledge(entries: Iterable[Entry]) -> str:
    """One sentence on what the references among ``entries`` know; empty where there are none."""
    references = sorted((entry for entry in entries if entry.role == "reference"), key=place)
    if not references:
        return ""
    known = {_name(entry): entry.knows or KNOWS.get(_name(entry)) for entry in references}
    told = "; ".join(f"{name} {text}" for name, text in known.items() if text)
    return f"References know more than a fusion and are not ranked{f': {told}' if told else ''}."


def place(entry: Entry) -> int:
    """Where a reference stands among the others: those of ``KNOWS`` first."""
    return [*KNOWS, _name(entry)].index(_name(entry))


class Efficiency:
    """Fusion efficiency: (accuracy - 0.5) / (accuracy of name-then-XNOR - 0.5), paired by seed.

    Both have the same backbone, training domain, protocol, warm-up and recipe, and are tested on the same pairs.

    Args:
        entries: fusions and references of any number of tables.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._naming = {_conditions(entry): entry for entry in entries if _is_naming(entry)}

    def is_known(self, domain: str) -> bool:
        """Whether there is any name-then-XNOR with a result on ``domain``."""
        return any(domain in entry.quality for entry in self._naming.values())

    def __call__(self, entry: Entry, domain: str) -> Estimates:
        """Mean over the seeds that both finished, of shape (1,); nan where it is not defined.

        It is defined for fusions, and where every one of those seeds of the reference is above chance.
        """
        reference = self._naming.get(_conditions(entry)) if entry.role == "fusion" else None
        if reference is None:
            return UNDEFINED
        both = complete_blocks((entry, reference), domain, "accuracy").values - 0.5
        gain, possible = both.T if both.shape[1] == 2 else np.empty((2, 0))
        if (possible <= 2 * chance_error(_test_pairs(reference, domain))).any():
            return UNDEFINED
        return estimate((gain / possible)[:, None])


def _name(entry: Entry) -> str:
    """Name of a fusion without its parameters."""
    return entry.group.fusion.partition(":")[0]


def _is_naming(entry: Entry) -> bool:
    return entry.role == "reference" and entry.group.fusion == NAMING


def _conditions(entry: Entry) -> Group:
    return entry.group._replace(fusion="")


def _test_pairs(entry: Entry, domain: str) -> int:
    return min((tested.pairs for tested in entry.tested(domain)), default=1)
