"""The cell that is looked into: as many fresh models of it as are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.errors import UsageError
from bench.sweep.cell import Cell
from bench.sweep.config import SweepConfig, load_config
from bench.sweep.execution import ON_THE_CPU
from bench.sweep.plan import make_plan
from bench.sweep.prepare import Prepared, prepare
from bench.training.pairs import PairLearner
from bench.training.recipe import Recipe

# Enough for a model to show that it learns, and a minute on one core.
RECIPE: Mapping[str, Any] = {"train_pairs": 3_200, "val_pairs": 512}


@dataclass(frozen=True)
class Fresh:
    """A model that nothing has trained yet, with what trains it."""

    prepared: Prepared
    learner: PairLearner

    @property
    def recipe(self) -> Recipe:
        """How it is to be trained."""
        return self.prepared.cell.recipe


@dataclass(frozen=True)
class Subject:
    """A cell, and the configuration that it is of."""

    cell: Cell
    config: SweepConfig

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Subject:
        """The one cell that settings of a sweep, laid over ``RECIPE``, stand for.

        Raises:
            UsageError: they stand for none, for several, or for one that does not apply or trains nothing.
        """
        config = load_config({**given, "recipe": {**RECIPE, **given.get("recipe", {})}, "eval": ()})
        cells = make_plan(config, {}).cells
        if len(cells) != 1:
            raise UsageError(f"bench debug looks into one cell at a time, and these are {len(cells)}: {_some(cells)}")
        if cells[0].reason:
            raise UsageError(f"{cells[0].cell}: not applicable: {cells[0].reason}")
        return cls(cells[0].cell, config)

    def fresh(self, **recipe: Any) -> Fresh:
        """A model as training starts from it; all of them are alike.

        Args:
            recipe: fields that differ.

        Raises:
            UsageError: nothing in it is trained.
        """
        own = replace(self.cell, recipe=self.cell.recipe.model_copy(update=recipe))
        prepared = prepare(own, ON_THE_CPU)
        if prepared.learner is None:
            raise UsageError(f"{self.cell.fusion}: nothing in it is trained, so there is nothing to debug")
        return Fresh(prepared, prepared.learner)


def _some(cells: Any) -> str:
    return "; ".join(str(planned.cell) for planned in cells[:3]) + ("; ..." if len(cells) > 3 else "")
