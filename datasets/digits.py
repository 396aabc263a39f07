"""The ``digits`` domain: handwritten digits that ship with scikit-learn."""

from __future__ import annotations

from functools import cached_property

import torch
from torch.nn import functional as F

from bench.domain import register_domain
from bench.errors import UsageError

from .bank import Bank
from .folds import FOLDS, parts_of, stratified_folds
from .labelled import LabelledDomain
from .renderer import IMAGE_SIZE

WHITE = 16


@register_domain
class Digits(LabelledDomain):
    """Handwritten digits, 8x8 pixels enlarged to 32x32: do two images show the same digit?

    1,797 images in grey of scikit-learn's ``load_digits``, the test set of Alpaydin & Kaynak, 1998. A fifth of every
    digit is for testing and a fifth for validation. The writers are not recorded, so one may be in two splits.

    Args:
        held_out: number of digits that training never shows, the last ones.
        split_seed: of the draw of folds.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
    """

    name, version = "digits", 1

    def __init__(self, held_out: int = 2, split_seed: int = 0, shift: str = "") -> None:
        if split_seed < 0:
            raise UsageError(f"digits: split_seed={split_seed}; expected 0 or more")
        super().__init__(tuple("0123456789"), shift, held_out, split_seed=split_seed)
        self._drawn = f"{self.name} {split_seed}" if split_seed else self.name

    @cached_property
    def bank(self) -> Bank:
        from sklearn.datasets import load_digits

        data = load_digits()
        small = torch.from_numpy(data.images).float()[:, None] * (255 / WHITE)
        large = F.interpolate(small, (IMAGE_SIZE, IMAGE_SIZE), mode="bilinear", align_corners=False)
        pixels = large.add(0.5).to(torch.uint8).expand(-1, 3, -1, -1)
        classes = torch.from_numpy(data.target).long()
        return Bank(pixels, classes, parts_of(stratified_folds(self._drawn, classes), 0, FOLDS))
