"""Budgets: the same amount of training for every fusion, in labelled pairs, in steps or in multiply-accumulates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from bench.errors import UsageError

Unit = Literal["pairs", "steps", "macs"]
UNITS: tuple[Unit, ...] = get_args(Unit)
NONE = "none"
MOST_AMOUNT = 10**24
MANY_ZEROS = 6


@dataclass(frozen=True)
class Budget:
    """``amount`` of ``unit`` for every cell; what a step takes of it, :mod:`bench.sweep.budget` counts."""

    unit: Unit
    amount: int

    @classmethod
    def parse(cls, text: str) -> Budget | None:
        """Read ``pairs:9600``, ``steps:600`` or ``macs:2e12``; None for ``none``; else ``ValueError``."""
        if text.strip() == NONE:
            return None
        unit, _, amount = (part.strip() for part in text.partition(":"))
        known = next((name for name in UNITS if name == unit), None)
        if known and re.fullmatch(r"[0-9]{1,25}(\.[0-9]{1,25})?([eE]\+?[0-9]{1,2})?", amount):
            found = int(amount) if amount.isdecimal() else int(float(amount))
            if 1 <= found <= MOST_AMOUNT:
                return cls(known, found)
        raise ValueError(f"{text!r} is not a budget; expected pairs:9600, steps:600, macs:2e12 or {NONE}")

    def __str__(self) -> str:
        text = str(self.amount)
        digits = text.rstrip("0")
        zeros = len(text) - len(digits)
        return f"{self.unit}:{f'{digits}e{zeros}' if zeros >= MANY_ZEROS else text}"

    def train_pairs(self, of_step: int, batch_size: int, epochs: int) -> int:
        """The training pairs of as many steps as the budget pays for, never more.

        Args:
            of_step: what one step takes of the unit.

        Raises:
            UsageError: it does not pay for a step in each epoch, or a step takes nothing of it.
        """
        if not of_step:
            raise UsageError(f"budget {self}: a training step takes none of them; give pairs:N or steps:N")
        steps = self.amount // (of_step * epochs)
        if not steps:
            passes = f" in each of {epochs} epochs" if epochs > 1 else ""
            raise UsageError(f"budget {self}: less than one step of {of_step:,} {self.unit}{passes}")
        return steps * batch_size
