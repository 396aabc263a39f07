"""Recipes: every number that training depends on, one declared recipe per backbone and protocol for all fusions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from bench.errors import UsageError, explain

# Light to import, as the command line reads the options of a sweep from here: what needs torch is imported when used.
Protocol = Literal["scratch", "finetune", "frozen"]
OptimizerName = Literal["adamw", "sgd"]
ScheduleName = Literal["cosine", "exponential", "constant"]
FIXED = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

DEFAULT_OBJECTIVE = "bce"
R = TypeVar("R", bound=BaseModel)


def no_switch(value: Any) -> Any:
    """``value``, unless it is true or false, which count as 1 and 0 in Python."""
    if isinstance(value, bool):
        raise ValueError("expected a number")
    return value


MOST = 100_000_000  # of anything that is counted: more than any machine holds
# float32 ends a little further on: what is larger would be infinite there.
LARGEST = 1e30
Whole = Annotated[int, BeforeValidator(no_switch), Field(le=MOST)]
Number = Annotated[float, BeforeValidator(no_switch), Field(le=LARGEST)]
Positive = Annotated[Whole, Field(gt=0)]


class Training(BaseModel):
    """What recipes of cells and of warm-ups share.

    Attributes:
        optimizer: ``adamw``, or ``sgd`` with Nesterov momentum of 0.9.
        schedule: of the learning rate, after a linear warm-up to ``lr`` over ``warmup_fraction`` of the steps:
            ``cosine`` to 0, ``exponential`` to a hundredth, or ``constant``.
        later: fields that came after records were made, by their defaults.
    """

    model_config = FIXED
    later: ClassVar[Mapping[str, Any]] = {"optimizer": "adamw", "schedule": "cosine"}

    optimizer: OptimizerName = "adamw"
    schedule: ScheduleName = "cosine"

    def identity(self) -> dict[str, Any]:
        """What a key depends on: all fields, those that came later only where they differ from their defaults, so that
        older records keep their keys."""
        return {name: value for name, value in self.model_dump().items() if self.later.get(name, ...) != value}


class Recipe(Training):
    """How one cell is trained.

    Attributes:
        train_pairs: distinct training pairs.
        epochs: passes over them.
        batch_size: pairs per step.
        lr: peak learning rate.
        backbone_lr_scale: factor on ``lr`` for the backbone. With 0 its weights stay as they are, and its BatchNorm
            goes on adapting its statistics to the training images.
        weight_decay: on weights with two dimensions or more.
        clip_norm: limit of the gradient norm.
        pairs_per_image: how often each encoded image is paired within its batch; more than 1 only takes effect for
            fusions that encode images separately.
        patience: stop after this many checks of the validation loss without improvement and keep the best; 0 is off.
        val_pairs: validation pairs, for the threshold and for early stopping.
        precision: of matrix products in training and evaluation; ``bfloat16`` is autocast over float32 weights.
        objective: what is minimised, such as ``bce+0.1*contrastive``: a weighted sum of ``OBJECTIVES``.
        auxiliary: weights of auxiliary heads by name, over those that a fusion states itself; 0 leaves one out.
        augment: how training images are altered each time that they are shown, such as ``flip+rotate=15``; see
            ``bench.training.augment``.
        budget: what every fusion is given, such as ``macs:2e12``, which a plan turns into the ``train_pairs`` of each
            cell; see ``bench.training.budget``.
    """

    later = {
        **Training.later,
        "precision": "float32",
        "objective": DEFAULT_OBJECTIVE,
        "auxiliary": {},
        "augment": "none",
        "budget": "none",
    }

    train_pairs: Positive = 9_600
    epochs: Positive = 1
    batch_size: Annotated[Whole, Field(gt=1)] = 64
    lr: Annotated[Number, Field(gt=0)] = 2e-3
    backbone_lr_scale: Annotated[Number, Field(ge=0)] = 1.0
    weight_decay: Annotated[Number, Field(ge=0)] = 0.01
    warmup_fraction: Annotated[Number, Field(ge=0, lt=1)] = 0.1
    clip_norm: Annotated[Number, Field(gt=0)] = 5.0

    pairs_per_image: Positive = 8
    patience: Annotated[Whole, Field(ge=0)] = 0
    val_pairs: Positive = 2_000

    precision: Literal["float32", "bfloat16"] = "float32"
    objective: str = DEFAULT_OBJECTIVE
    auxiliary: dict[str, Number] = {}
    augment: str = "none"
    budget: str = "none"

    @field_validator("objective")
    @classmethod
    def _read_objective(cls, text: str) -> str:
        from bench.training.objectives import Objective

        return str(Objective.parse(text))

    @field_validator("auxiliary")
    @classmethod
    def _check_auxiliary(cls, weights: dict[str, float]) -> dict[str, float]:
        from bench.training.auxiliary import check_weights

        check_weights(weights)
        return dict(sorted(weights.items()))

    @field_validator("augment")
    @classmethod
    def _read_augment(cls, text: str) -> str:
        from bench.training.augment import Augmentation

        return str(Augmentation.parse(text))

    @field_validator("budget")
    @classmethod
    def _read_budget(cls, text: str) -> str:
        from bench.training.budget import NONE, Budget

        return str(Budget.parse(text) or NONE)

    @model_validator(mode="after")
    def _holds_a_batch(self) -> Recipe:
        if self.train_pairs < self.batch_size:
            raise ValueError(f"train_pairs ({self.train_pairs}) is less than one batch_size ({self.batch_size})")
        return self

    def shared_identity(self) -> dict[str, Any]:
        """What cells of one table share of :meth:`identity`: a budget, in place of the pairs that it pays for."""
        identity = self.identity()
        return {name: value for name, value in identity.items() if name != "train_pairs" or "budget" not in identity}

    def __hash__(self) -> int:
        # A mapping has no hash of its own.
        return hash(self.model_dump_json())


class WarmupRecipe(Training):
    """How a backbone is pretrained once for all cells; the fields mean what they mean in :class:`Recipe`.

    Attributes:
        easy_share: share of the images, at the start, that are drawn easy. Without it the loss stays on its first
            plateau for a quarter of the images.
    """

    images: Positive = 76_800
    easy_share: Annotated[Number, Field(ge=0, le=1)] = 0.2
    batch_size: Annotated[Whole, Field(gt=1)] = 64
    lr: Annotated[Number, Field(gt=0)] = 6e-3
    weight_decay: Annotated[Number, Field(ge=0)] = 0.01
    warmup_fraction: Annotated[Number, Field(ge=0, lt=1)] = 0.1
    clip_norm: Annotated[Number, Field(gt=0)] = 5.0

    @model_validator(mode="after")
    def _holds_a_batch(self) -> WarmupRecipe:
        if self.images < self.batch_size:
            raise ValueError(f"images ({self.images}) is less than one batch_size ({self.batch_size})")
        return self


# What differs from the defaults above, by protocol, then by backbone and protocol. One recipe for all fusions: nothing
# here may look at one. Pairing an encoded image again is cheap beside the backbone, but all there is to pay without it.
PROTOCOL_RECIPES: Mapping[Protocol, Mapping[str, Any]] = {"frozen": {"pairs_per_image": 1}}
RECIPES: Mapping[str, Mapping[Protocol, Mapping[str, Any]]] = {
    "resnet18": {
        "finetune": {"lr": 1e-3, "train_pairs": 25_600},
        "scratch": {"lr": 1e-3, "train_pairs": 25_600},
    },
    "tiny_vit": {
        "finetune": {"lr": 5e-4, "train_pairs": 25_600},
        "scratch": {"lr": 5e-4, "train_pairs": 25_600},
    },
}
WARMUP_RECIPES: Mapping[str, Mapping[str, Any]] = {
    "resnet18": {"images": 102_400, "lr": 2e-3},
    "tiny_vit": {"images": 102_400, "lr": 1e-3, "weight_decay": 0.05, "clip_norm": 1.0},
}


def declared_recipe(backbone: str, protocol: Protocol, overrides: Mapping[str, Any]) -> Recipe:
    """The recipe of a backbone under a protocol, with the user's ``overrides``.

    Raises:
        UsageError: an override that is no field, or a value out of range.
    """
    if overrides.get("budget", "none") != "none" and "train_pairs" in overrides:
        raise UsageError("recipe: budget says how many train_pairs each fusion gets; give one of the two")
    declared = {**PROTOCOL_RECIPES.get(protocol, {}), **RECIPES.get(backbone, {}).get(protocol, {})}
    return _checked(Recipe, "recipe", {**declared, **overrides})


def declared_warmup_recipe(backbone: str, overrides: Mapping[str, Any]) -> WarmupRecipe:
    """The warm-up recipe of a backbone, with the user's ``overrides``; raises like :func:`declared_recipe`."""
    return _checked(WarmupRecipe, "warmup_recipe", {**WARMUP_RECIPES.get(backbone, {}), **overrides})


def check_fields(model: type[BaseModel], values: Mapping[str, Any], where: Callable[[str], str]) -> None:
    """Check each of ``values`` by itself, before it is known for which backbone; what an objective is, plug-ins decide.

    Args:
        where: start of the message, for the name of a field.

    Raises:
        UsageError: a name that is no field of ``model``, or a value out of range.
    """
    try:
        model(**{name: value for name, value in values.items() if name != "objective"})
    except ValidationError as error:
        if error.errors()[0]["loc"]:
            raise UsageError(explain(error, model, where)) from None


def _checked(model: type[R], where: str, values: Mapping[str, Any]) -> R:
    try:
        return model(**values)
    except ValidationError as error:
        raise UsageError(explain(error, model, lambda key: where)) from None
