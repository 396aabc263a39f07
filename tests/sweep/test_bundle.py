"""Seeds trained in one pass: which cells share one, and that their records say what one-by-one training would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.records.folder import RunFolder
from bench.sweep.bundle import bundles
from bench.sweep.cell import Cell
from bench.sweep.config import SweepConfig
from bench.sweep.execution import Execution
from bench.sweep.plan import make_plan

TOGETHER = Execution(seeds_together=3)
FICKLE = '''
@register
class Fickle(Fusion):
    """Its score is no number from the second step on where its weight starts below 0."""
    name, family, needs, symmetric, paper, head = "test_fickle", "test", "embedding", False, "none", "score"

    def __init__(self, spec):
        super().__init__(1)
        self.sign = torch.nn.Parameter(torch.randn(1))
        self.weight = torch.nn.Parameter(torch.ones(spec.dim))
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, a, b):
        self.steps.add_(1)
        return (a * b * self.weight).mean(1) * torch.where(self.steps > 1, self.sign.detach().sqrt(), 1)
'''

PICKY = '''
@register
class Picky(Base):
    """Cannot be built from seed 1."""
    name = "test_picky"

    def __init__(self, spec):
        super().__init__(spec)
        if torch.initial_seed() == 1:
            raise ValueError("this seed does not suit me")

    def forward(self, a, b):
        return (a * b * self.weight).mean(1)
'''


@pytest.fixture
def cells(tiny: Callable[..., SweepConfig]) -> Callable[..., list[Cell]]:
    """The cells of a plan, seed by seed."""

    def make(**changes: Any) -> list[Cell]:
        config = tiny(**{"protocol": "frozen", "seed": "0..6", **changes})
        return [planned.cell for planned in make_plan(config, {}).cells]

    return make


def shape(found: list[tuple[Cell, ...]]) -> list[tuple[str, list[int]]]:
    return [(str(bundle[0].fusion), [cell.seed for cell in bundle]) for bundle in found]


def test_a_bundle_has_seeds_of_one_fusion_and_no_more_than_asked_for(cells: Callable[..., list[Cell]]) -> None:
    planned = cells(fusion="abs_diff,concat")
    found = bundles(planned, TOGETHER)
    assert shape(found) == [
        *(("abs_diff", [0, 1, 2]), ("concat", [0, 1, 2])),
        *(("abs_diff", [3, 4, 5]), ("concat", [3, 4, 5])),
        *(("abs_diff", [6]), ("concat", [6])),
    ]
    assert sorted(map(str, planned)) == sorted(str(cell) for bundle in found for cell in bundle)


def test_by_default_every_cell_is_a_bundle_of_its_own(cells: Callable[..., list[Cell]]) -> None:
    planned = cells(fusion="abs_diff,concat")
    assert bundles(planned, Execution()) == [(cell,) for cell in planned]


def test_only_what_gains_shares_a_pass(cells: Callable[..., list[Cell]]) -> None:
    def sizes(device: str = "cpu", **changes: Any) -> set[int]:
        return {len(bundle) for bundle in bundles(cells(seed="0..2", **changes), Execution(device, {}, 3))}

    assert sizes(fusion="abs_diff") == {3}
    assert sizes(fusion="cross_attention") == sizes(fusion="fmap_diff") == {1}
    assert sizes("cuda", fusion="cross_attention") == sizes("cuda", fusion="fmap_diff") == {3}
    assert sizes(fusion="abs_diff", protocol="finetune") == {1}
    early_stop = {"train_pairs": 64, "batch_size": 16, "val_pairs": 32, "patience": 2}
    assert sizes(fusion="abs_diff", recipe=early_stop) == {1}


def scores(run: Path, record: dict[str, Any]) -> np.ndarray:
    with np.load(run / "scores" / f"{record['key']}.npz") as file:
        return file["color"]


def test_a_sweep_with_shared_passes_leaves_the_same_records(sweep: Any, measured: Any, tmp_path: Path) -> None:
    changes = {"fusion": "abs_diff,esbn", "protocol": "frozen", "seed": "0..2", "tensorboard": True}
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    code, usual, _ = sweep(**changes, out=str(alone))
    again, records, printed = sweep(**changes, seeds_together=3, out=str(shared))
    assert again == code
    assert "6 cells share 2 passes of training" in printed
    (why,) = (line for line in printed.splitlines() if "one by one" in line)
    assert why.startswith("3 seeds from esbn · mobilenetv3_small_32 · color · seed 0 on are trained one by one: Cannot")
    assert len(list((shared / "tensorboard").iterdir())) == len(list((alone / "tensorboard").iterdir()))
    before = {record["key"]: record for record in usual}
    assert {record["key"] for record in records} == set(before)
    for record in records:
        expected = before[record["key"]]
        assert record["status"] == expected["status"]
        together = record["execution"]["seeds_together"]
        assert together == (3 if record["fusion"] == "abs_diff" else 1)
        if together == 1:
            assert measured(record) == measured(expected)
            continue
        assert record["cost"]["train_pairs_per_s"] is None
        assert expected["cost"]["train_pairs_per_s"] > 0
        np.testing.assert_allclose(scores(shared, record), scores(alone, expected), atol=1e-4)
        np.testing.assert_allclose(record["curve"], expected["curve"], atol=1e-5)
    assert "to run" not in sweep(**changes, seeds_together=3, out=str(shared))[2]


def test_the_header_says_how_many_seeds_share_a_pass(sweep: Any, tmp_path: Path) -> None:
    _, _, printed = sweep(seeds_together=4)
    assert "no seeds share a pass" in printed
    assert RunFolder(tmp_path / "run").header()["seeds_together"] == 4


def test_a_seed_that_diverges_is_a_record_of_its_own(sweep: Any, plugin: Callable[..., Path], tmp_path: Path) -> None:
    file = plugin(FICKLE, load=False)
    changes = {"fusion": "test_fickle", "protocol": "frozen", "seed": "0..5", "include": [str(file)]}
    code, usual, _ = sweep(**changes, out=str(tmp_path / "alone"))
    _, records, _ = sweep(**changes, seeds_together=6, out=str(tmp_path / "shared"))
    assert code == 3
    expected = {record["seed"]: record["status"] for record in usual}
    assert {"ok", "diverged"} <= set(expected.values())
    assert {record["seed"]: record["status"] for record in records} == expected
    trained = [record for record in records if record["status"] == "ok"]
    assert {record["execution"]["seeds_together"] for record in trained} == {6}


def test_a_dead_worker_costs_the_cells_of_its_pass(sweep: Any, deadly: Path) -> None:
    changes = {"fusion": "test_dies,abs_diff", "include": [str(deadly)], "protocol": "frozen", "seed": "0..1"}
    code, records, _ = sweep(**changes, jobs=1, seeds_together=2)
    assert code == 3
    assert {(record["fusion"], record["seed"]): record["status"] for record in records} == {
        **{("test_dies", seed): "killed" for seed in (0, 1)},
        **{("abs_diff", seed): "ok" for seed in (0, 1)},
    }


def test_a_seed_that_cannot_be_built_costs_no_other(sweep: Any, weighted: Callable[[str, str], Path]) -> None:
    plugin = weighted("picky", PICKY)
    changes = {"fusion": "test_picky", "protocol": "frozen", "seed": "0..2", "include": [str(plugin)]}
    _, records, printed = sweep(**changes, seeds_together=3)
    assert {record["seed"]: record["status"] for record in records} == {0: "ok", 1: "error", 2: "ok"}
    assert "on are trained one by one: ValueError: this seed does not suit me" in printed
