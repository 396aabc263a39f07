"""References: entries that know more than a fusion may, and how close a fusion comes to naming both images."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

import numpy as np

from bench.records.blocks import complete_blocks, conditions
from bench.records.entries import Entry, chance_error
from bench.stats.intervals import Estimates, estimate

NAMES = "names"
# What a reference may know, in the order in which references stand, from the least to the most.
KNOWS = MappingProxyType(
    {
        NAMES: "is trained on the names of the shapes (stronger supervision) and compares the two names it finds",
        "masks": "sees the true mask of each figure",
        "generator": "knows the generator that draws the images",
    }
)
UNDEFINED = estimate(np.empty((0, 1)))


def knowledge(entries: Iterable[Entry]) -> str:
    """One sentence on what the references among ``entries`` know; empty where there are none."""
    references = sorted((place(entry), _name(entry), entry.knows) for entry in entries if entry.role == "reference")
    if not references:
        return ""
    told = "; ".join(dict.fromkeys(f"{name} {KNOWS.get(knows, knows)}" for _, name, knows in references if knows))
    return f"References know more than a fusion and are not ranked{f': {told}' if told else ''}."


def place(entry: Entry) -> int:
    """Where a reference stands among the others: the less it knows the earlier, and where that is not told last."""
    return [*KNOWS, entry.knows].index(entry.knows)


def compares_names(entry: Entry) -> bool:
    """Whether it names both images and compares the names, as it comes."""
    return entry.knows == NAMES and ":" not in entry.group.fusion


class Efficiency:
    """Fusion efficiency: (accuracy - 0.5) / (accuracy of name-then-XNOR - 0.5), paired by seed.

    Both have the same backbone, training domain, protocol, warm-up and recipe, and are tested on the same pairs.

    Args:
        entries: fusions and references of any number of tables.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._naming = {conditions(entry): entry for entry in entries if compares_names(entry)}

    def measured_by(self, domain: str) -> list[str]:
        """Names of the references that have a result on ``domain``, sorted."""
        return sorted({entry.group.fusion for entry in self._naming.values() if domain in entry.quality})

    def __call__(self, entry: Entry, domain: str) -> Estimates:
        """Mean over the seeds that both finished, of shape (1,); nan where it is not defined.

        It is defined for fusions, and where every one of those seeds of the reference is above chance.
        """
        reference = self._naming.get(conditions(entry)) if entry.role == "fusion" else None
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


def _test_pairs(entry: Entry, domain: str) -> int:
    return min((tested.pairs for tested in entry.tested(domain)), default=1)
