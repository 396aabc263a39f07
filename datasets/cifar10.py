"""The ``cifar10`` domain: photographs of ten kinds of things, from a copy that the user has."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from bench.domain import register_domain
from bench.errors import UsageError

from .bank import PARTS, Bank
from .folds import stratified_folds
from .labelled import LabelledDomain

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = "cifar-10-batches-py"
# One of them is for validation: 2,000 of 50,000 images.
VAL_FOLDS = 25


@register_domain
class Cifar10(LabelledDomain):
    """Photographs of CIFAR-10 in 32x32 pixels: do two show the same kind of thing? Needs a local copy.

    Krizhevsky, 2009, Learning multiple layers of features from tiny images. Of its 50,000 training images 200 of
    every class are for validation, which leaves 48,000; its 10,000 test images are for testing.

    Args:
        root: folder that holds ``cifar-10-batches-py``, the unpacked Python version; nothing is downloaded.
        held_out: number of classes that training never shows, the last ones.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
    """

    name, version = "cifar10", 2
    needs_files = True

    def __init__(self, root: str = "", held_out: int = 2, shift: str = "") -> None:
        super().__init__(CLASSES, shift, held_out, root=root)
        if not root or not (Path(root).expanduser() / BATCHES).is_dir():
            raise UsageError(
                f"cifar10: {f'no {BATCHES} in {root}' if root else 'no data given'}; expected cifar10:root=FOLDER "
                f"where FOLDER holds {BATCHES}, unpacked from cifar-10-python.tar.gz"
            )
        self.root = Path(root).expanduser()

    @property
    def content(self) -> Mapping[str, str]:
        # Every copy is the same: torchvision checks the files against their published hashes.
        return {"root": "cifar-10-python"}

    @cached_property
    def bank(self) -> Bank:
        from torchvision.datasets import CIFAR10

        try:
            halves = [CIFAR10(self.root, train=train, download=False) for train in (True, False)]
        except (RuntimeError, OSError) as error:
            raise UsageError(f"cifar10: {self.root / BATCHES} is incomplete or damaged ({error})") from None
        pixels = torch.from_numpy(np.concatenate([half.data for half in halves])).permute(0, 3, 1, 2)
        train, test = (torch.tensor(half.targets) for half in halves)
        is_val = stratified_folds(self.name, train, VAL_FOLDS) == 0
        parts = torch.where(is_val, PARTS.index("val"), PARTS.index("train"))
        return Bank(pixels, torch.cat([train, test]), torch.cat([parts, torch.full_like(test, PARTS.index("test"))]))
