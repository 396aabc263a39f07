"""The files of chosen recipes: each gives the very cells that were tested."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

from bench.sweep.config import load_config
from bench.sweep.plan import make_plan
from bench.tune.best import write_best
from bench.tune.trials import Outcome, Subject, Trial, Tuned

DEFAULT = Outcome(Trial(0, {}), 0.7, "ok")


def chosen(subject: Subject, **point: Any) -> Tuned:
    best = Outcome(Trial(3, point), 0.9, "ok") if point else DEFAULT
    return Tuned(subject, (DEFAULT, best), best)


def test_a_file_gives_the_cells_of_one_fusion_matched_in_size_and_with_what_its_domain_takes(tmp_path: Path) -> None:
    config = load_config(
        {
            "fusion": "abs_diff,concat",
            "domain": "color,digits",
            "replicates": 2,
            "protocol": "scratch",
            "match_params": "5%",
            "domain_params": {"difficulty": "hard"},
            "recipe": {"epochs": 2},
            "jobs": 1,
        }
    )
    planned: dict[Subject, set[str]] = {}
    for one in make_plan(config, {}).cells:
        cell = one.cell
        subject = Subject(cell.name_of(cell.domain), str(cell.backbone), str(cell.fusion))
        planned.setdefault(subject, set()).add(one.key)
    files = write_best(config, [chosen(subject) for subject in planned], "auc", tmp_path)
    assert len(planned) == 4
    for file, keys in zip(files, planned.values(), strict=True):
        again = load_config({"replicates": 2}, file)
        assert {one.key for one in make_plan(again, {}).cells} == keys
        assert again.model_fields_set.isdisjoint({"jobs", "out"})


def test_a_file_holds_the_recipe_and_says_what_it_was_chosen_by(tmp_path: Path) -> None:
    subjects = [Subject("color", "tiny_vit", name) for name in ("concat", "concat:head=16")]
    points: list[dict[str, Any]] = [{"lr": 1e-05, "optimizer": "sgd"}, {}]
    tuned = [chosen(subject, **point) for subject, point in zip(subjects, points, strict=True)]
    files = write_best(load_config({"recipe": {"epochs": 2}}), tuned, "auc", tmp_path)
    assert [file.name for file in files] == ["concat.yaml", "concat-head-16.yaml"]
    said = "# Chosen by bench tune: trial 3 of 2, validation auc 0.9000; default recipe 0.7000.\n"
    assert files[0].read_text().startswith(said)
    assert [load_config({}, file).recipe for file in files] == [{"epochs": 2, **point} for point in points]


def test_files_of_several_domains_and_backbones_have_different_names(tmp_path: Path) -> None:
    subjects = [Subject(*names, "concat") for names in product(("color", "digits"), ("tiny_vit", "resnet18"))]
    files = write_best(load_config({}), [chosen(subject) for subject in subjects], "auc", tmp_path)
    assert len({file.name for file in files}) == 4
    assert files[0].name == "concat-tiny_vit-color.yaml"
