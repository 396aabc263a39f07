"""The card of a stored model: what was trained on what, how its images are prepared, and what its scores mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from bench.backbones import BACKBONES, Preparation
from bench.backbones.preparation import Scale
from bench.domain import DOMAINS, build_domain
from bench.fusion import FUSIONS, MapShape
from bench.models.calibration import Calibration
from bench.records.record import Repeats
from bench.source import source_hash
from bench.sweep.cell import Cell
from bench.sweep.execution import MEMORY_FORMATS
from bench.sweep.measure import Finished
from bench.sweep.provenance import versions
from bench.training.recipe import Protocol, Recipe, WarmupRecipe
from bench.training.warmup import WARMUPS, WarmupSpec

SCHEMA = 1
LARGEST_SIDE, MOST_CHANNELS = 4096, 64
STRICT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
Side = Annotated[int, Field(gt=0, le=LARGEST_SIDE)]


class WarmupCard(BaseModel):
    """The fields of a :class:`~bench.training.warmup.WarmupSpec` as text."""

    model_config = STRICT

    task: str
    domain: str
    recipe: dict[str, Any]
    seed: int


class CellCard(BaseModel):
    """The fields of a :class:`~bench.sweep.cell.Cell` as text."""

    model_config = STRICT

    fusion: str
    backbone: str
    domain: str
    seed: int
    repeats: Repeats
    protocol: Protocol
    recipe: dict[str, Any]
    warmup: WarmupCard
    eval_domains: list[str]
    test_pairs: PositiveInt

    @classmethod
    def of(cls, cell: Cell) -> CellCard:
        """What stands for a cell."""
        warmup = WarmupCard(
            task=str(cell.warmup.task),
            domain=str(cell.warmup.domain),
            recipe=cell.warmup.recipe.model_dump(),
            seed=cell.warmup.seed,
        )
        return cls(
            fusion=str(cell.fusion),
            backbone=str(cell.backbone),
            domain=str(cell.domain),
            seed=cell.seed,
            repeats=cell.repeats,
            protocol=cell.protocol,
            recipe=cell.recipe.model_dump(),
            warmup=warmup,
            eval_domains=[str(domain) for domain in cell.eval_domains],
            test_pairs=cell.test_pairs,
        )

    def cell(self) -> Cell:
        """The cell again.

        Raises:
            UsageError: a plug-in of it is not known here.
            ValidationError: a recipe is none.
        """
        backbone = BACKBONES.settle(self.backbone)
        recipe = WarmupRecipe(**self.warmup.recipe)
        shown = DOMAINS.settle(self.warmup.domain)
        return Cell(
            FUSIONS.settle(self.fusion),
            backbone,
            DOMAINS.settle(self.domain),
            self.seed,
            self.protocol,
            Recipe(**self.recipe),
            WarmupSpec(WARMUPS.settle(self.warmup.task), backbone, shown, recipe, self.warmup.seed),
            tuple(DOMAINS.settle(domain) for domain in self.eval_domains),
            self.test_pairs,
            self.repeats,
        )


class PreparationCard(BaseModel):
    """The fields of a :class:`~bench.backbones.Preparation`."""

    model_config = STRICT

    scale: tuple[tuple[float, float, float], tuple[float, float, float]] | None
    size: Annotated[int, Field(ge=0, le=LARGEST_SIDE)]

    @classmethod
    def of(cls, preparation: Preparation) -> PreparationCard:
        """What stands for a preparation."""
        scale = preparation.scale
        return cls(scale=(scale.mean, scale.deviation) if scale else None, size=preparation.size)

    def preparation(self) -> Preparation:
        """It again."""
        return Preparation(Scale(*self.scale) if self.scale else None, self.size)


class Card(BaseModel):
    """What is known of a stored model. It is written last, and vouches for the weights beside it.

    Attributes:
        key: of the cell, and the name of the files.
        row: what the repetitions of the cell have in common, as the row of a table does.
        sources: hash of the files that define fusion and backbone, when it was trained.
        image: channels, height and width of the images that it was trained on.
        classes: names of the classes of the domain trained on.
        sees: pixels, or what stands for them.
        preparation: how images become numbers; None for a model without a backbone.
        memory_format, precision: in which it was computed.
        offset: what is taken off every score of the model, so that above 0 means same.
        threshold: of scores, the one of the best F1 on the validation pairs.
        calibration: of the probability that a pair is the same.
        parameters: how many it has.
        validation, test: metrics, those of the test by domain.
        measured: what its record says of the training and the trained model, and not of validation and tests.
        versions: of what computed it.
        sha256: of the file of weights.
    """

    model_config = STRICT

    schema_: Annotated[int, Field(alias="schema", ge=SCHEMA, le=SCHEMA)] = SCHEMA
    key: str
    row: list[str]
    cell: CellCard
    sources: dict[str, str]
    image: tuple[Annotated[int, Field(gt=0, le=MOST_CHANNELS)], Side, Side]
    classes: list[str]
    sees: Literal["image", "mask", "likelihoods"]
    preparation: PreparationCard | None
    memory_format: Literal["channels_last", "contiguous"]
    precision: Literal["float32", "bfloat16"]
    offset: float
    threshold: float
    calibration: Calibration
    symmetric: bool
    parameters: int
    collapsed: bool
    validation: dict[str, float | None]
    test: dict[str, dict[str, float | None]]
    measured: dict[str, Any] = {}
    versions: dict[str, str]
    sha256: str

    @property
    def shape(self) -> MapShape:
        """Of the images."""
        return MapShape(*self.image)

    @property
    def domain(self) -> str:
        """What all repetitions call the domain trained on: the first that it was tested on."""
        return next(iter(self.test), self.cell.domain)

    @property
    def own_test(self) -> dict[str, float | None]:
        """Metrics on the test pairs of that domain."""
        return self.test.get(self.domain, {})


EVALUATED = "validation", "eval"
TOLD = "accuracy", "f1", "precision", "recall", "auc"


def card_of(finished: Finished, sha256: str) -> Card:
    """The card of a model whose cell is finished, and whose weights have that SHA-256."""
    cell, model, evaluated = finished.cell, finished.model, finished.evaluated
    told = CellCard.of(cell)
    domain, backbone = build_domain(cell.domain), model.backbone
    own = evaluated.metrics[cell.name_of(cell.domain)]
    return Card(
        key=cell.key(),
        row=_row(cell),
        cell=told,
        sources=sources_of(told),
        image=(domain.image.channels, domain.image.height, domain.image.width),
        classes=list(domain.classes),
        sees=model.fusion.sees,
        preparation=PreparationCard.of(backbone.preparation) if backbone else None,
        memory_format=next(name for name, layout in MEMORY_FORMATS.items() if layout == model.memory_format),
        precision=cell.recipe.precision,
        offset=evaluated.offset,
        threshold=own["threshold"],
        calibration=Calibration.fitted(*evaluated.validation),
        symmetric=model.symmetric,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        collapsed=finished.collapsed,
        validation=evaluated.validation_metrics,
        measured={name: fact for name, fact in finished.measured.items() if name not in EVALUATED},
        test={name: {metric: found[metric] for metric in TOLD} for name, found in evaluated.metrics.items()},
        versions=versions(),
        sha256=sha256,
    )


def _row(cell: Cell) -> list[str]:
    start = [str(cell.warmup.task), *([str(cell.warmup.seed)] if cell.repeats == "seed" else [])] if cell.start else []
    named = cell.fusion, cell.backbone, cell.name_of(cell.domain), cell.repeats, cell.protocol, cell.recipe_id()
    return [*map(str, named), *start]


def sources_of(cell: CellCard) -> dict[str, str]:
    """Hash of the files that define its fusion and its backbone."""
    chosen = {"fusion": FUSIONS.settle(cell.fusion).cls, "backbone": BACKBONES.settle(cell.backbone).cls}
    return {kind: source_hash(cls) for kind, cls in chosen.items()}
