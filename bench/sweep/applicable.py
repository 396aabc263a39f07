"""What fits together: why a cell cannot be made of its parts, and whether the warm-up of a sweep can be."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from bench.backbones import Backbone, create_backbone
from bench.domain import Domain, build_domain
from bench.errors import NotApplicableError, UsageError
from bench.fusion import Fusion
from bench.model import IMAGE, build_fusion, feature_spec
from bench.registry import Choice
from bench.sweep.cell import Cell
from bench.sweep.config import SweepConfig
from bench.training.applicable import why_not_augment, why_not_auxiliary, why_not_objective, why_not_unnamed
from bench.training.augment import Augmentation
from bench.training.auxiliary import auxiliary_weights, missing_latents
from bench.training.objectives import Objective
from bench.training.warmup import WARMUPS, Pretrained, WarmupSpec, build_task, given_weights


def not_applicable(cell: Cell) -> str:
    """Why a fusion cannot be combined with backbone, domain, protocol and recipe of a cell; empty where it can.

    Raises:
        UsageError: parameters from which the fusion cannot be built.
    """
    fusion, data = cell.fusion, build_domain(cell.domain)
    if fusion.cls.sees not in data.offers:
        return f"{cell.domain} offers no {fusion.cls.sees} of its images"
    try:
        built = build_fusion(fusion, feature_spec(str(cell.backbone), data.image, cell.weights), len(data.classes))
    except NotApplicableError as error:
        return str(error)
    except UsageError:
        raise
    except Exception:
        return ""  # a plug-in that cannot be built is a failed cell with its traceback, and not the end of the sweep
    # A control without an encoder has nothing to freeze, and what frozen fusions add to it is seen beside them.
    is_pixel_control = built.role == "control" and built.encoder == "none"
    if cell.protocol == "frozen" and built.needs in ("pixels", "stage", "exchange") and not is_pixel_control:
        return f"the frozen protocol encodes each image by itself, and {fusion.name} joins {_joint(built)} before that"
    if cell.protocol == "frozen" and built.towers == 2:
        return f"the frozen protocol trains no tower, and the two of {fusion.name} start alike: they would be one"
    weights = auxiliary_weights(built, cell.recipe.auxiliary)
    objective = Objective.parse(cell.recipe.objective)
    return (
        ("" if data.names_images else why_not_unnamed(built, objective))
        or why_not_objective(built, objective, cell.protocol)
        or why_not_augment(built, Augmentation.parse(cell.recipe.augment), cell.protocol, weights)
        or why_not_auxiliary(built, weights)
        or missing_latents(weights, _latents(cell.domain) if weights else ())
    )


@cache
def _latents(domain: Choice[Domain]) -> frozenset[str]:
    """What a domain records of each image."""
    built = build_domain(domain)
    return frozenset(built.draw("val", 0, 2).a.latents) - (set() if built.names_images else {"class"})


def _joint(fusion: Fusion) -> str:
    return "the images" if fusion.needs == "pixels" else "the maps inside the backbone"


def check_warmup(config: SweepConfig, domains: Sequence[Choice[Domain]], backbones: Sequence[Choice[Backbone]]) -> None:
    """Raise ``UsageError`` where the warm-up is unknown, impossible on one of the domains or cannot be loaded."""
    task = WARMUPS.settle(config.warmup)
    if config.protocol == "frozen" and task.cls.weights == "random":
        raise UsageError(f"the frozen protocol trains no backbone: it needs a warm-up other than {task}")
    if config.protocol == "scratch":
        return
    if issubclass(task.cls, Pretrained):
        for backbone in backbones:
            create_backbone(str(backbone), IMAGE, given_weights(task, str(backbone)))
    elif task.cls.weights == "computed":
        specs = [WarmupSpec.declared(config.warmup, str(backbones[0]), str(domain)) for domain in domains]
        for spec in {spec.domain: spec for spec in specs}.values():
            try:
                build_task(task, str(spec.backbone), spec.shown)
            except UsageError:
                raise
            except Exception:
                return  # a plug-in that cannot be built: its cells fail, each with its traceback
