"""Keys: what changes them and what must not."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from bench.domain import clear_identities
from bench.sweep.plan import make_plan


def keys(config) -> list[str]:
    return [planned.key for planned in make_plan(config, {}).cells]


@pytest.mark.parametrize(
    "changes",
    [
        {"jobs": 2},
        {"threads": 2},
        {"timeout": "5m"},
        {"retry": ["error"]},
        {"out": "elsewhere"},
        {"profile": True, "tensorboard": True},
        {"fusion": ["abs_diff", "abs_diff"]},
        {"warmup": "none"},  # the scratch protocol has no warm-up
        {"warmup_recipe": {"images": 64}},
    ],
)
def test_what_cannot_change_a_number_does_not_change_the_key(tiny, changes: dict) -> None:
    assert keys(tiny(**changes)) == keys(tiny())


@pytest.mark.parametrize(
    "changes",
    [
        {"fusion": "concat"},
        {"fusion": "abs_diff:symmetrize=true"},
        {"backbone": "tiny_vit"},
        {"domain": "texture"},
        {"eval": ["color", "texture"]},
        {"seed": "1"},
        {"protocol": "finetune"},
        {"test_pairs": 64},
        {"recipe": {"train_pairs": 64, "batch_size": 16, "val_pairs": 32, "lr": 0.1}},
    ],
)
def test_what_can_change_a_number_changes_the_key(tiny, changes: dict) -> None:
    assert keys(tiny(**changes)) != keys(tiny())


def test_a_plan_of_many_seeds_has_the_keys_of_its_cells(tiny) -> None:
    plan = make_plan(tiny(fusion=["abs_diff", "film:stage=1", "template_oracle"], seed="0..2"), {})
    assert [planned.key for planned in plan.cells] == [planned.cell.key() for planned in plan.cells]
    named = [(str(planned.cell.fusion), planned.cell.seed) for planned in plan.cells]
    trained = [(name, seed) for seed in range(3) for name in ("abs_diff", "film:stage=1")]
    assert sorted(named) == sorted([*trained, ("template_oracle", 0)])
    assert len({planned.key for planned in plan.cells}) == 7


def test_warm_up_changes_the_key_where_there_is_one(tiny) -> None:
    base = keys(tiny(protocol="finetune"))
    assert keys(tiny(protocol="finetune", warmup_seed=1)) != base
    assert keys(tiny(protocol="finetune", warmup_recipe={"images": 64})) != base
    assert keys(tiny(protocol="finetune", warmup="none")) != base


def test_editing_a_plug_in_changes_its_key_and_no_other(tiny, tmp_path: Path) -> None:
    source = (Path(__file__).parents[2] / "fusions" / "abs_diff.py").read_text()
    file = tmp_path / "mine.py"
    from bench import zoo

    file.write_text(source.replace('"abs_diff"', '"test_mine_key"'))
    zoo.load([file])
    config = tiny(fusion=["test_mine_key", "concat"])
    mine, other = keys(config)
    file.write_text(file.read_text() + "# edited\n")
    edited, same = keys(config)
    assert edited != mine
    assert same == other


def test_a_folder_of_textures_counts_by_content_not_by_path(tiny, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        Image.new("RGB", (200, 200), (10, 200, 30)).save(folder / "green.png")
    first, second = (keys(tiny(domain="texture", domain_params={"textures": str(folder)})) for folder in folders)
    assert first == second
    assert first != keys(tiny(domain="texture"))
    Image.new("RGB", (200, 200), (200, 10, 30)).save(folders[1] / "red.png")
    clear_identities()
    assert keys(tiny(domain="texture", domain_params={"textures": str(folders[1])})) != first
