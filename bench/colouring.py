"""What single images are told apart by in a picture: their classes, and the groups that they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.domain import Domain, groups_of

CLASS, GROUP = "class", "group"
Kinds = NDArray[np.int64]


@dataclass(frozen=True)
class Colouring:
    """A kind for each image.

    Attributes:
        by: what the kinds are, as a latent of the domain is called.
        kinds: (N,) places in ``names``.
    """

    by: str
    kinds: Kinds
    names: Sequence[str]


def colourings(domain: Domain, latents: Mapping[str, Kinds]) -> list[Colouring]:
    """By class where the domain says of single images what they show, and by group where it knows groups.

    Args:
        latents: (N,) of each image by name; others than class and group are left aside.
    """
    found = []
    if domain.names_images:
        found.append(Colouring(CLASS, latents[CLASS], domain.classes))
    if GROUP in latents:
        kinds = latents[GROUP]
        numbered = [f"group {number}" for number in range(int(kinds.max()) + 1)]
        found.append(Colouring(GROUP, kinds, groups_of(domain) or numbered))
    return found
