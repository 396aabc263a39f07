"""Which task is next, however many wait."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bench.executors.tasks import Line, data_of
from bench.sweep.config import SweepConfig
from bench.sweep.plan import Plan, make_plan
from bench.sweep.worker import Task

Tiny = Callable[..., SweepConfig]


def cells_of(config: SweepConfig) -> list[Task]:
    return [Task("cell", (planned.cell,), (planned.key,)) for planned in make_plan(config, {}).cells]


def test_a_worker_stays_with_its_data(tiny: Tiny) -> None:
    line = Line(cells_of(tiny(fusion="abs_diff,concat,cosine", seed="0..2")))
    done: list[list[Task]] = [[], []]
    while line:
        for mine in done:
            if task := line.take(before=mine[-1] if mine else None):
                mine.append(task)
                line.ended(task)
    seeds = [[task.cell.seed for task in tasks] for tasks in done]
    assert seeds == [[0, 0, 0, 2, 2], [1, 1, 1, 2]]


def test_cells_wait_for_their_warm_up_and_no_other(tiny: Tiny) -> None:
    small, large = cells_of(tiny(protocol="finetune", backbone="mobilenetv3_small_32,resnet18", seed="0"))
    warmups = [Task("warmup", task.cells, task.keys) for task in (small, large)]
    line = Line([small, large, *warmups])
    assert [line.take(), line.take(), line.take()] == [*warmups, None]
    line.ended(warmups[1])
    assert [line.take(), line.take()] == [large, None]
    # Lost with its worker, it comes first again, and what needs it waits on.
    line.put_back(warmups[0])
    assert [line.take(), line.take()] == [warmups[0], None]
    line.ended(warmups[0])
    assert [line.take(), line.take(), bool(line)] == [small, None, False]


def warmups_of(plan: Plan) -> list[Task]:
    """A task for each warm-up, whatever the cache holds."""
    starts = {one.cell.computed_start: one for one in reversed(plan.cells) if one.cell.computed_start}
    return [Task("warmup", (one.cell,), (one.key,)) for one in reversed(starts.values())]


@pytest.mark.parametrize("known", [0, 1])
@pytest.mark.parametrize(("given", "numbers"), [({"replicates": 3}, [0, 1, 2]), ({"seed": "4,2,0"}, [4, 2, 0])])
def test_the_first_replicate_is_whole_before_the_next_begins(
    tiny: Tiny, given: dict[str, Any], numbers: list[int], known: int
) -> None:
    plan = make_plan(tiny(fusion="abs_diff,concat", protocol="finetune", domain="color,shapes", **given), {})
    expected = [number for number in numbers for _ in range(4)]
    assert [one.cell.seed for one in plan.cells] == expected
    cells = [Task("cell", (one.cell,), (one.key,)) for one in plan.cells]
    # The first ones may have been computed by another sweep.
    line, done = Line([*warmups_of(plan)[known:], *cells]), list[Task]()
    while (task := line.take(done[-1] if done else None)) is not None:
        done.append(task)
        line.ended(task)
    assert not line
    assert [task.cell.seed for task in done if task.kind == "cell"] == expected


def test_two_workers_compute_the_warm_ups_of_two_replicates(tiny: Tiny) -> None:
    plan = make_plan(tiny(fusion="abs_diff,concat", protocol="finetune", replicates=3), {})
    line = Line([*warmups_of(plan), *(Task("cell", (one.cell,), (one.key,)) for one in plan.cells)])
    before: list[Task | None] = [None, None]
    order: list[list[tuple[str, int]]] = []
    while line:
        taken = [line.take(one) for one in before]
        order.append([(task.kind, task.cell.seed) for task in taken if task])
        for task in filter(None, taken):
            line.ended(task)
        before = taken
    # Nobody takes a cell of the other one's replicate while there is a warm-up to compute.
    assert order[:3] == [[("warmup", 0), ("warmup", 1)], *2 * [[("cell", 0), ("cell", 1)]]]
    assert order[3] == [("warmup", 2)]


def test_cells_whose_warm_up_took_too_long_wait_no_more(tiny: Tiny) -> None:
    plan = make_plan(tiny(fusion="abs_diff,pixel_distance", protocol="finetune", seed="0..1"), {})
    cells = [Task("cell", (one.cell,), (one.key,)) for one in plan.cells]
    (warmup,) = warmups_of(plan)
    line = Line([warmup, *cells])
    assert line.take() == warmup
    line.ended(warmup)
    assert line.lost_with(warmup, [{"status": "ok"}]) == []
    lost = line.lost_with(warmup, [{"status": "timeout"}])
    assert [(str(task.cell.fusion), task.cell.seed) for task in lost] == [("abs_diff", 0), ("abs_diff", 1)]
    assert [str(task.cell.fusion) for task in iter(line.take, None)] == ["pixel_distance", "pixel_distance"]


@dataclass(frozen=True)
class Cell:
    """What a line asks of a cell."""

    backbone: str
    domain: str
    seed: int
    start: Any


def place_of(task: Task) -> tuple[Any, ...]:
    return data_of(task), task.cell.start


def test_all_are_taken_once_and_none_too_early() -> None:
    chance = random.Random(0)
    for _ in range(20):
        starts = ["one", "two", None][: chance.randint(1, 3)]
        cells = [Cell("b", "d", chance.randrange(4), chance.choice(starts)) for _ in range(chance.randrange(40))]
        first = {cell.start: cell for cell in cells if cell.start}
        tasks = [Task("warmup", (cell,), (start,)) for start, cell in first.items()]  # type: ignore[arg-type]
        tasks += [Task("cell", (cell,), (str(number),)) for number, cell in enumerate(cells)]  # type: ignore[arg-type]
        line, at_work, warm, waiting = Line(tasks), list[Task](), {None}, {one for one in tasks if one.kind == "cell"}
        last: Task | None = None
        ended: list[Task] = []
        while line or at_work:
            task = line.take(last)
            if task is not None:
                assert task.kind == "warmup" or task.cell.start in warm
                waiting -= {task}
                kept = [one for one in waiting | {task} if last and place_of(one) == place_of(last)]
                if kept and task.kind == "cell" and last.cell.start in warm:
                    assert task in kept
                at_work.append(task)
            if at_work and (task is None or chance.random() < 0.5):
                last = at_work.pop(chance.randrange(len(at_work)))
                if chance.random() < 0.2:
                    line.put_back(last)
                    waiting |= {last} if last.kind == "cell" else set()
                    continue
                line.ended(last)
                ended.append(last)
                warm |= {last.cell.start} if last.kind == "warmup" else set()
        assert sorted(one.keys for one in ended) == sorted(one.keys for one in tasks)


def test_the_next_of_many_is_found_as_fast_as_the_next_of_few() -> None:
    class Start:
        looked_at = 0

        def __hash__(self) -> int:
            Start.looked_at += 1
            return 0

    def looks(seeds: int) -> float:
        """At the warm-up, for each of ten fusions of so many seeds that a hundred workers take in turn."""
        start = Start()
        cells = [Cell("b", "d", seed, start) for seed in range(seeds) for _ in range(10)]
        line = Line(Task("cell", (cell,), ("",)) for cell in cells)  # type: ignore[arg-type]
        before: list[Task | None] = [None] * 100
        Start.looked_at = 0
        while line:
            before.append(line.take(before.pop(0)))
        return Start.looked_at / len(cells)

    assert looks(400) < 1.5 * looks(20)
