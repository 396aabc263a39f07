"""A share of a plan, for a sweep that several machines divide among them without knowing of each other."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import groupby

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.backbones import Weights, create_backbone
from bench.cost.formulas import FORMULAS
from bench.domain import build_domain
from bench.fusion import MapShape
from bench.interrupt import pass_on_interrupt
from bench.sweep.cell import Cell
from bench.sweep.plan import Plan, Planned
from bench.training.threads import one_thread

Place = tuple[str, ...]


def part_of(plan: Plan, number: int, parts: int) -> Plan:
    """Part ``number``, from 1, of so many: every cell is in exactly one, whatever has a record and however it is named.

    Cells are laid in a row, those that share a warm-up side by side, and the row is cut where its training is done to
    1/N, 2/N and so on, by the pairs and the multiply-accumulates of the backbones. Cells with the same encodings, and
    those of a replicate with its warm-up, stay together unless one such group is more than a part.
    """
    row = sorted(plan.cells, key=lambda one: (*_place(one.cell), one.key))
    with one_thread():
        work = {one.key: _work(one.cell) for one in row}
    whole = sum(work.values())
    groups = [list(group) for _, group in groupby(row, key=lambda one: _place(one.cell) + _alone(one))]
    if any(sum(work[one.key] for one in group) * parts > whole for group in groups):
        groups = [[one] for one in row]
    mine = _cut(groups, work, number, parts)
    return Plan(tuple(one for one in plan.cells if one.key in mine))


def _cut(groups: list[list[Planned]], work: Mapping[str, int], number: int, parts: int) -> set[str]:
    """Keys of the groups whose middle lies in a part of the row."""
    whole, before, found = sum(work.values()), 0, set[str]()
    for group in groups:
        own = sum(work[one.key] for one in group)
        if (2 * before + own) * parts // (2 * whole) == number - 1:
            found.update(one.key for one in group)
        before += own
    return found


def _place(cell: Cell) -> Place:
    """Where a cell lies in the row: by its warm-up, then by what its pairs and encodings depend on."""
    start = cell.computed_start
    warmup = (str(start.task), str(start.domain), str(start.seed)) if start else ("", "", "")
    return str(cell.backbone), *warmup, str(cell.domain), str(cell.seed)


def _alone(planned: Planned) -> Place:
    """What tells a cell from others at its place where they share nothing dear."""
    cell = planned.cell
    is_shared = cell.protocol == "frozen" or (cell.repeats == "replicate" and cell.computed_start is not None)
    return () if is_shared else (planned.key,)


def _work(cell: Cell) -> int:
    """What a cell takes, in multiply-accumulates of its backbone."""
    image = build_domain(cell.domain).image
    return cell.recipe.train_pairs * cell.recipe.epochs * _macs(str(cell.backbone), image, cell.weights)


@cache
def _macs(backbone: str, image: MapShape, weights: Weights | None) -> int:
    """Of one image, at least 1; also of a backbone that fails, which is found in its cells."""
    pixels = torch.zeros(1, image.channels, image.height, image.width)
    try:
        built = create_backbone(backbone, image, weights, trained=False).eval()
        with FlopCounterMode(display=False, custom_mapping=FORMULAS) as counter:
            built.read(pixels, "embedding")
    except BaseException as error:
        pass_on_interrupt(error)
        return 1
    return max(1, counter.get_total_flops() // 2)
