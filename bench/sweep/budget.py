"""The budget of a recipe, turned into the training pairs of one cell."""

from __future__ import annotations

from dataclasses import replace

from bench.cost.macs import count_macs
from bench.domain import build_domain
from bench.errors import UsageError
from bench.model import build_model
from bench.sweep.cell import Cell
from bench.training.budget import Budget
from bench.training.pairs import pairings
from bench.training.recipe import MOST, Recipe

# A backward pass takes two products of matrices for each one of the forward pass.
PASSES = 3


def within_budget(cell: Cell) -> Cell:
    """The cell with the training pairs that its budget pays for.

    It stays as it is without a budget, for controls and references, which are not compared, where nothing is trained,
    and where no model can be built, which is said elsewhere.

    Raises:
        UsageError: the budget pays for less than a step, or for more pairs than can be counted.
    """
    budget, recipe = Budget.parse(cell.recipe.budget), cell.recipe
    if budget is None or cell.fusion.cls.role != "fusion":
        return cell
    try:
        of_step = 1 if budget.unit == "steps" else _of_step(budget, cell)
    except UsageError:
        raise
    except Exception:
        return cell
    if of_step is None:
        return cell
    where = f"{cell.fusion} · {cell.backbone}"
    try:
        pairs = budget.train_pairs(of_step, recipe.batch_size, recipe.epochs)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    if pairs > MOST:
        raise UsageError(f"{where}: budget {budget} is {pairs:,} training pairs; expected at most {MOST:,}")
    return replace(cell, recipe=Recipe(**recipe.model_dump() | {"train_pairs": pairs}))


def _of_step(budget: Budget, cell: Cell) -> int | None:
    """What a training step takes; None where nothing is trained."""
    domain, recipe = build_domain(cell.domain), cell.trained_recipe
    model = build_model(cell.fusion, str(cell.backbone), domain.image, cell.seed, cell.weights, len(domain.classes))
    is_frozen = cell.protocol == "frozen" and model.encodes_separately
    trained = model.fusion if is_frozen else model
    if not any(parameter.requires_grad for parameter in [*trained.parameters(), *model.head.parameters()]):
        return None
    each = pairings(recipe, model)
    if budget.unit == "pairs":
        return recipe.batch_size * each
    macs = count_macs(model, domain.image)
    encoder = 0 if is_frozen else 1 if model.fusion.encoder == "random" else PASSES
    return recipe.batch_size * (encoder * (macs.total - macs.fusion) + PASSES * each * macs.fusion)
