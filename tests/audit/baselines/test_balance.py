"""The order of classes counts where training shows them, and is nothing that could be known where it does not."""

from __future__ import annotations

import torch

from bench.audit.baselines.balance import Balance
from bench.audit.draws import Draws
from bench.audit.rows import Row
from bench.domain import Images, Pairs

ORDER = "which of two different classes is A"


def pairs(class_a: torch.Tensor, class_b: torch.Tensor) -> Pairs:
    blank = torch.zeros(len(class_a), 3, 4, 4, dtype=torch.uint8)
    return Pairs(Images(blank, {"class": class_a}), Images(blank, {"class": class_b}), (class_a == class_b).long())


def order(first_new: int) -> list[Row]:
    """The row of a test set in which the smaller class of two is always A; classes from ``first_new`` are new."""
    train, one = torch.arange(600) % first_new, torch.arange(600) % 7
    shown = pairs(one, torch.where(torch.arange(600) % 2 == 0, one, one + 1))
    return [
        row for row in Balance().rows(Draws("digits", 200).showing(pairs(train, train), shown)) if row.what == ORDER
    ]


def test_an_order_of_known_classes_is_told() -> None:
    (row,) = order(first_new=8)
    assert row.value == 1.0


def test_nobody_knows_the_order_of_new_classes() -> None:
    assert order(first_new=1) == []
