"""Pairs of drawings by different hands, such that no single image tells the label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

KINDS = ("same", "different, one subgroup", "different, any")
# Share of the different pairs whose partner comes from the subgroup.
NEGATIVES: Mapping[str, float] = {"mixed": 0.5, "hard": 1.0, "easy": 0.0}


@dataclass(frozen=True)
class Picked:
    """Concept and vendor of both images of each pair, and its kind as a place in ``KINDS``: (N,) int64 each."""

    concept_a: Tensor
    vendor_a: Tensor
    concept_b: Tensor
    vendor_b: Tensor
    kind: Tensor


class PairTable:
    """All pairs of one concept by two vendors of different families, in an order that makes partners easy to find.

    A row is (concept, vendor of A, vendor of B). The rows of two vendors lie side by side, in them those of a subgroup.
    A same pair is a random row. For a different one, B shows the concept of another row of its subgroup (hard) or of
    its two vendors (easy): every concept stands for A as often as for B, whatever the label, the vendors and the kind.

    Args:
        roles: for the two images of a pair, which drawings may be it, as two (concepts, vendors) bool.
        family: (vendors,) int64.
        subgroup: (concepts,) int64.
    """

    def __init__(self, roles: tuple[Tensor, Tensor], family: Tensor, subgroup: Tensor) -> None:
        blocks = list(_blocks(roles, family, subgroup))
        names = ("concept", "vendor_a", "vendor_b", "block", "block_size", "group", "group_size")
        offsets = torch.tensor([0, *(len(block["concept"]) for block in blocks)]).cumsum(0)
        for block, offset in zip(blocks, offsets, strict=False):
            block["block"] = block["block"] + offset
            block["group"] = block["group"] + offset
        self._rows = {name: torch.cat([block[name] for block in blocks]) for name in names} if blocks else {}

    def __len__(self) -> int:
        return len(self._rows.get("concept", ()))

    def pick(self, same: Tensor, u: Tensor, hard: float) -> Picked:
        """Random pairs.

        Args:
            same: (N,) bool.
            u: (N, 3) uniform numbers.
            hard: share of the different pairs whose partner comes from the subgroup.
        """
        row = (u[:, 0] * len(self)).long()
        own = {name: values[row] for name, values in self._rows.items()}
        is_hard = u[:, 1] < hard
        first = torch.where(is_hard, own["group"], own["block"])
        size = torch.where(is_hard, own["group_size"], own["block_size"])
        # One of the others: as far behind the row as one of 1 to size - 1, in a circle.
        other = first + (row - first + 1 + (u[:, 2] * (size - 1)).long()) % size
        concept_b = torch.where(same, own["concept"], self._rows["concept"][other])
        kind = torch.where(same, 0, torch.where(is_hard, 1, 2))
        return Picked(own["concept"], own["vendor_a"], concept_b, own["vendor_b"], kind)


def _blocks(roles: tuple[Tensor, Tensor], family: Tensor, subgroup: Tensor) -> Iterator[dict[str, Tensor]]:
    """The rows of two vendors: of A and B, and where the roles differ, of B and A."""
    orders = [roles] if roles[0] is roles[1] else [roles, roles[::-1]]
    vendors = range(len(family))
    for of_a, of_b in orders:
        for a in vendors:
            for b in vendors:
                concepts = (of_a[:, a] & of_b[:, b]).nonzero()[:, 0]
                if family[a] != family[b] and len(concepts) > 1:
                    yield _block(concepts, a, b, subgroup)


def _block(concepts: Tensor, a: int, b: int, subgroup: Tensor) -> dict[str, Tensor]:
    groups = _groups_of_two(subgroup[concepts].tolist())
    order = torch.tensor([place for group in groups for place in group])
    sizes = torch.tensor([len(group) for group in groups])
    n = len(concepts)
    return {
        "concept": concepts[order],
        "vendor_a": torch.full((n,), a),
        "vendor_b": torch.full((n,), b),
        "block": torch.zeros(n, dtype=torch.int64),
        "block_size": torch.full((n,), n),
        "group": (sizes.cumsum(0) - sizes).repeat_interleave(sizes),
        "group_size": sizes.repeat_interleave(sizes),
    }


def _groups_of_two(subgroups: Sequence[int]) -> list[list[int]]:
    """Places by subgroup. Those that are alone in theirs are a group together; if that is one, it joins the first."""
    members: dict[int, list[int]] = {}
    for place, subgroup in enumerate(subgroups):
        members.setdefault(subgroup, []).append(place)
    alone = [place for group in members.values() if len(group) == 1 for place in group]
    groups = [group for group in members.values() if len(group) > 1]
    if len(alone) > 1 or not groups:
        return [*groups, alone]
    groups[0] += alone
    return groups
