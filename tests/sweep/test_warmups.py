"""Warm-ups as an axis of a sweep: what records say, what keys depend on, plug-ins, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copyfile

import pytest
import torch

from bench.backbones import create_backbone
from bench.errors import UsageError
from bench.model import IMAGE
from bench.sweep.plan import make_plan
from bench.training.warmup import WARMUPS, Start, register_warmup

PLUGIN = '''
import torch
from torch import nn
from bench.training.warmup import WarmupTask, Measure, register_warmup


@register_warmup
class Brightness(WarmupTask):
    """Tell how bright the image is."""

    name, measure = "test_brightness", Measure("mae", "grey levels", "lower")
    recipe = {"easy_share": 0.0}

    def __init__(self, backbone, domain, power: int = 1):
        super().__init__(backbone, domain)
        self.power, self.head = power, nn.Linear(backbone.spec.dim, 1)

    def examples(self, images, u):
        return images.pixels, images.pixels.float().mean((1, 2, 3))[:, None] ** self.power

    def loss(self, outputs, target):
        return (outputs - target / 255).abs().mean()

    def hits(self, outputs, target):
        return (255 * outputs - target).abs() < 8

    def assess(self, outputs, target):
        return {"mae": float((255 * outputs - target).abs().mean())}
'''


@pytest.fixture
def brightness(tmp_path: Path) -> Path:
    file = tmp_path / "brightness.py"
    file.write_text(PLUGIN)
    return file


@pytest.mark.parametrize(
    ("name", "measure"),
    [("rotation", ("accuracy", "share", "higher")), ("centre", ("rmse_px", "px", "lower"))],
)
def test_a_sweep_from_another_warm_up(sweep, name: str, measure: tuple[str, str, str]) -> None:
    code, (record,), printed = sweep(protocol="finetune", warmup=name)
    assert code == 0, record
    assert "1 warm-up first" in printed
    facts = record["warmup"]
    assert (facts["task"], facts["seed"], facts["images"]) == (name, 0, 128)
    assert (facts["measure"], facts["unit"], facts["better"]) == measure
    assert facts["quality"] >= 0
    _, (again,), printed = sweep(protocol="finetune", warmup=name)
    assert again == record
    assert "warm-up" not in printed


def test_every_task_and_every_option_is_a_warm_up_of_its_own(tiny) -> None:
    names = [cls.name for cls in WARMUPS.classes if cls.weights == "computed"] + [
        "jigsaw:grid=3",
        "rotation:relative=false",
    ]
    cells = [make_plan(tiny(protocol="finetune", warmup=name), {}).cells[0].cell for name in names]
    assert len({json.dumps(cell.start.identity(), default=dict) for cell in cells}) == len(names)
    assert len({cell.key() for cell in cells}) == len(names)


def test_a_default_that_is_written_out_changes_nothing(tiny) -> None:
    short, long = (
        make_plan(tiny(protocol="finetune", warmup=name), {}).cells[0] for name in ("jigsaw", "jigsaw:grid=2:orders=24")
    )
    assert short.key == long.key
    assert str(short.cell.warmup.task) == str(long.cell.warmup.task) == "jigsaw"


def test_the_recipe_of_a_task_yields_to_the_users(tiny) -> None:
    centre, names, given = (
        make_plan(tiny(protocol="finetune", warmup=task, warmup_recipe=recipe), {}).cells[0].cell.warmup.recipe
        for task, recipe in (("centre", {}), ("names", {}), ("centre", {"easy_share": 0.5}))
    )
    assert (centre.easy_share, given.easy_share) == (0, 0.5)
    assert names.easy_share > 0


def test_a_plug_in_adds_a_warm_up_whose_code_is_in_the_key(sweep, brightness: Path) -> None:
    changes = {"protocol": "finetune", "warmup": "test_brightness", "include": [str(brightness)]}
    code, (record,), _ = sweep(**changes)
    assert code == 0, record
    assert record["warmup"]["measure"] == "mae"
    assert 0 < record["warmup"]["quality"] < 255


def test_an_edited_plug_in_is_another_warm_up(tiny, sweep, brightness: Path) -> None:
    config = tiny(protocol="finetune", warmup="test_brightness", include=[str(brightness)])
    sweep(protocol="scratch", include=[str(brightness)])
    first = make_plan(config, {}).cells[0].cell.start.identity()
    brightness.write_text(PLUGIN + "\n")
    assert make_plan(config, {}).cells[0].cell.start.identity() != first


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warmup": "rotaton"}, "unknown warm-up 'rotaton': did you mean rotation"),
        ({"warmup": "jigsaw:grid=4"}, "jigsaw: grid=4; expected 2 or 3"),
        ({"warmup": "jigsaw:orders=25"}, "orders=25; expected 2 to 24 with grid=2"),
        ({"warmup": "jigsaw:size=2"}, "unknown parameter 'size'; allowed: grid, orders"),
        ({"warmup": "names:2"}, "names takes no parameters"),
        ({"warmup": "none:2"}, "none takes no parameters"),
        ({"warmup": "none:rate=2"}, "warm-up none:rate=2: unknown parameter .rate.; allowed: none"),
        ({"warmup": "file"}, "no path given; expected file:PATH"),
        ({"warmup": "file:none.pt"}, "none.pt: no such file of weights"),
        ({"warmup": "file:none.pt:normalise=half"}, "normalise=half; expected published, imagenet, standardise"),
        ({"warmup": "file:none.pt:size=2000"}, "size=2000; expected 0 to 1024 pixels"),
        ({"warmup": "imagenet:rate=2"}, "warm-up imagenet:rate=2: unknown parameter .rate.; allowed: size"),
    ],
)
def test_bad_input_is_one_clear_line(sweep, changes: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        sweep(protocol="finetune", **changes)
    assert "\n" not in str(caught.value)


def test_a_domain_that_does_not_know_what_the_task_needs(sweep, tmp_path: Path) -> None:
    from PIL import Image

    for number, name in enumerate(("cat", "dog")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(8):
            Image.new("RGB", (48, 48), (30 * i, 90 * number, 9)).save(tmp_path / "photos" / name / f"{i}.png")
    folder = f"folder:{tmp_path / 'photos'}"
    with pytest.raises(UsageError, match="centre needs the latents x, y of the images, and the domain folder does not"):
        sweep(protocol="finetune", warmup="centre", domain=folder, domain_params={"size": 48})
    code, _, _ = sweep(protocol="finetune", warmup="jigsaw", domain=folder, domain_params={"size": 48}, eval=[folder])
    assert code == 0


def test_a_file_of_weights_is_told_by_its_content(tiny, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("first.pt", "second.pt", "third.pt")]
    torch.save(create_backbone("mobilenetv3_small_32", IMAGE).state_dict(), files[0])
    copyfile(files[0], files[1])
    torch.save(create_backbone("mobilenetv3_small_32", IMAGE).state_dict(), files[2])
    first, moved, other = (
        make_plan(tiny(protocol="finetune", warmup=f"file:{file}"), {}).cells[0].key for file in files
    )
    assert first == moved != other
    scratch = [
        make_plan(tiny(protocol="scratch", warmup=name), {}).cells[0].key for name in ("names", f"file:{files[0]}")
    ]
    assert scratch[0] == scratch[1]


def test_a_sweep_from_a_file_of_weights(sweep, tmp_path: Path) -> None:
    torch.save(create_backbone("mobilenetv3_small_32", IMAGE).state_dict(), tmp_path / "w.pt")
    code, (record,), printed = sweep(protocol="finetune", warmup=f"file:{tmp_path / 'w.pt'}")
    assert code == 0, record
    assert record["warmup"] == {"task": f"file:path={tmp_path / 'w.pt'}"}
    assert "warm-up first" not in printed


def test_weights_of_others_come_from_a_subclass_of_pretrained(registries: None) -> None:
    with pytest.raises(TypeError, match="weights that others trained come from a subclass of Pretrained"):

        @register_warmup
        class Wild(Start):
            """From nowhere."""

            name, weights = "test_wild", "pretrained"
