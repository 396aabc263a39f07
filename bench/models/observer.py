"""``models``: the weights of trained cells, kept beside their records."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Literal, get_args

from bench.errors import UsageError
from bench.models.card import Card
from bench.models.files import WEIGHTS, read_card, remove, stored_models, write
from bench.observers.contract import Observer, register_observer
from bench.records.record import DetailedRecord
from bench.sweep.measure import Finished

Keep = Literal["best", "all"]
# By which the best repetition is chosen: no threshold plays a part in it.
CHOSEN_BY = "auc"


@register_observer
class Models(Observer):
    """Keeps the trained model of every cell as safetensors with a card: what ``bench predict`` starts from.

    Args:
        keep: ``all``, or of all repetitions of a row of the table the ``best`` one: by the AUC on its validation pairs.
            One that collapsed is kept where no other is there.
    """

    name = "models"

    def __init__(self, folder: Path, keep: str = "best") -> None:
        super().__init__(folder)
        if keep not in get_args(Keep):
            raise UsageError(f"observer {self.name}: keep = {keep!r}; expected {' or '.join(get_args(Keep))}")
        self._keep = keep
        self._best: dict[Hashable, tuple[tuple[bool, float, int], Path]] | None = None

    @property
    def hint(self) -> str:
        return f"trained models: bench list models {self.folder.parent}"

    def look(self, finished: Finished) -> str:
        if next(finished.model.parameters(), None) is not None:
            write(self.folder, finished)
        return ""

    def read(self, record: DetailedRecord) -> str:
        weights = self.folder / f"{record.key}{WEIGHTS}"
        if record.status not in ("ok", "collapsed"):
            remove(weights)
        elif self._keep == "best" and weights in stored_models(self.folder, record.key):
            self._keep_best(weights)
        return ""

    def _keep_best(self, weights: Path) -> None:
        """Remove the worse of a model and of the best one so far of its row."""
        if self._best is None:
            self._best = {}
            for known in stored_models(self.folder):
                if known != weights:
                    self._keep_best(known)
        card = read_card(weights)
        row, own = tuple(card.row), (_rank(card), weights)
        best = self._best.get(row, own)
        self._best[row] = max(best, own)
        if best[1] != own[1]:
            remove(min(best, own)[1])


def _rank(card: Card) -> tuple[bool, float, int]:
    """The larger, the better; of equals the first repetition."""
    value = card.validation.get(CHOSEN_BY)
    return not card.collapsed, -1.0 if value is None else value, -card.cell.seed
