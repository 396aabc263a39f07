"""A warm-up under several recipes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.catalogue import warmup_sweep as module
from bench.catalogue.warmup_card import Answers, WarmedUp, load_warmed_up
from bench.catalogue.warmup_sweep import warmup_sweep
from bench.errors import DivergedError, UsageError

RATES = [{"images": 64, "optimizer": name, "lr": lr} for name in ("adamw", "sgd") for lr in (1e-3, 1e-2, 1e-1)]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Stands for training: 1 px off per rate of 1, ten times that with SGD, and the highest rate of SGD diverges."""
    monkeypatch.chdir(tmp_path)
    said: list[str] = []

    def ensured(spec: Any, under: str) -> Any:
        said.append(under)
        recipe = spec.recipe
        if recipe.optimizer == "sgd" and recipe.lr == 1e-1:
            raise DivergedError("loss is nan")
        off = recipe.lr * (10 if recipe.optimizer == "sgd" else 1)
        return SimpleNamespace(measured={"rmse_px": off, "explained_variance": 1 - off})

    monkeypatch.setattr(module, "ensured", ensured)
    monkeypatch.setattr(
        Answers, "of", lambda spec, trained, domain: SimpleNamespace(measured={"rmse_px": 7.0 - spec.recipe.lr})
    )
    return said


def test_every_recipe_has_a_line_and_the_best_of_each_domain_is_named(trained: list[str], tmp_path: Path) -> None:
    subject = WarmedUp(on="texture")
    text = warmup_sweep("centre", subject, RATES)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    assert rows[0] == ["optimizer", "lr", "rmse_px color", "explained_variance color", "rmse_px texture"]
    assert rows[2] == ["adamw", "0.001", "0.001", "0.999", "6.999"]
    assert rows[-1] == ["sgd", "0.1", "-", "-", "-"]
    assert len(rows) == 2 + len(RATES)
    assert "best on color: rmse_px 0.001 with optimizer = adamw, lr = 0.001" in text
    assert "best on texture: rmse_px 6.900 with optimizer = adamw, lr = 0.1" in text
    assert "diverged: 1 of 6" in text
    assert text.startswith("warm-up centre: mobilenetv3_small_32 on color, images = 64\n")
    assert trained[0] == "optimizer = adamw, lr = 0.001"
    assert (tmp_path / "centre-color-mobilenetv3_small_32-on-texture-sweep.png").read_bytes()[1:4] == b"PNG"


def test_curves_go_along_the_field_with_most_values(trained: list[str]) -> None:
    color = {"color": {"rmse_px": 1.0}}
    tried = [module.Tried({"optimizer": r["optimizer"], "lr": r["lr"]}, color) for r in RATES]
    axis, *_ = module.draw_sweep("title", tried).axes
    assert (axis.get_xlabel(), axis.get_xscale()) == ("lr", "log")
    assert [line.get_label() for line in axis.get_lines()] == ["optimizer = adamw", "optimizer = sgd"]
    assert np.asarray(axis.get_lines()[0].get_xdata()).tolist() == [1e-3, 1e-2, 1e-1]


def test_what_all_of_them_lost_is_still_a_table(trained: list[str]) -> None:
    text = warmup_sweep("centre", WarmedUp(), [{"optimizer": "sgd", "lr": 1e-1, "batch_size": n} for n in (8, 16)])
    assert "diverged: 2 of 2" in text
    assert "best on" not in text


def test_what_is_not_trained_here_and_wrong_fields_are_one_line() -> None:
    with pytest.raises(UsageError, match="none is not trained here"):
        warmup_sweep("none", WarmedUp(), RATES)
    with pytest.raises(UsageError, match="unknown key 'speed'"):
        warmup_sweep("centre", WarmedUp(), [{"speed": 1}, {"speed": 2}])


def test_the_command_line_is_laid_over_the_file_field_by_field(tmp_path: Path) -> None:
    built_in = load_warmed_up({"warmup_recipe": {"images": 64}}, Path("systems/s0-centre"))
    assert (built_in.on, built_in.warmup_recipe["images"]) == ("texture", 64)
    assert built_in.warmup_recipe["optimizer"] == ["adamw", "sgd"]
    file = tmp_path / "centre.yaml"
    for content, message in (("onn: texture", "unknown key 'onn'"), ("warmup_recipe: 3", "warmup_recipe")):
        file.write_text(content)
        with pytest.raises(UsageError, match=message):
            load_warmed_up({}, file)
