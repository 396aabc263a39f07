"""Recipes: declared values, the user's overrides, and messages that name the key and what is allowed."""

import math

import pytest
from pydantic import ValidationError

from bench.errors import UsageError
from bench.training import recipe as module
from bench.training.recipe import Recipe, WarmupRecipe, declared_recipe, declared_warmup_recipe


def test_overrides_win_over_what_is_declared_and_that_over_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECIPES", {"slow": {"finetune": {"lr": 0.5, "epochs": 7}}})
    monkeypatch.setattr(module, "PROTOCOL_RECIPES", {"finetune": {"epochs": 3}, "frozen": {"lr": 0.1}})
    monkeypatch.setattr(module, "WARMUP_RECIPES", {"slow": {"images": 6400, "lr": 0.25}})
    assert declared_recipe("slow", "finetune", {}) == Recipe(lr=0.5, epochs=7)
    assert declared_recipe("slow", "finetune", {"epochs": 2}) == Recipe(lr=0.5, epochs=2)
    assert declared_recipe("slow", "frozen", {}) == declared_recipe("other", "frozen", {}) == Recipe(lr=0.1)
    assert declared_recipe("other", "finetune", {}) == Recipe(epochs=3)
    assert declared_recipe("slow", "scratch", {}) == Recipe()
    assert declared_warmup_recipe("slow", {"lr": 0.1}) == WarmupRecipe(images=6400, lr=0.1)
    assert declared_warmup_recipe("other", {}) == WarmupRecipe()


@pytest.mark.parametrize("protocol", ["scratch", "finetune", "frozen"])
@pytest.mark.parametrize("backbone", ["mobilenetv3_small_32", "resnet18", "tiny_vit", "timm:resnet10t"])
def test_every_declared_recipe_is_valid(backbone: str, protocol: str) -> None:
    assert declared_recipe(backbone, protocol, {}).train_pairs > 0
    assert declared_warmup_recipe(backbone, {}).images > 0


@pytest.mark.parametrize(
    ("key", "near"), [("epoch", "epochs"), ("batchsize", "batch_size"), ("train_pair", "train_pairs"), ("xyzzy", None)]
)
def test_an_unknown_key_names_the_key_the_nearest_and_the_allowed(key: str, near: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        declared_recipe("resnet18", "finetune", {key: 1})
    message = str(caught.value)
    assert message.startswith(f"recipe: unknown key '{key}'")
    assert (f"did you mean '{near}'" in message) == (near is not None)
    assert all(name in message for name in Recipe.model_fields)
    assert "\n" not in message


def test_an_unknown_key_of_the_warm_up_names_where_it_stands() -> None:
    with pytest.raises(UsageError, match=r"^warmup_recipe: unknown key 'epochs'.*images, easy_share") as caught:
        declared_warmup_recipe("resnet18", {"epochs": 2})
    assert "train_pairs" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("lr", 0, "greater than 0"),
        ("lr", -1e-3, "greater than 0"),
        ("lr", math.nan, "finite"),
        ("lr", math.inf, "finite"),
        ("weight_decay", math.inf, "finite"),
        ("lr", "fast", "number"),
        ("batch_size", 1, "greater than 1"),
        ("batch_size", 2.5, "integer"),
        ("epochs", 0, "greater than 0"),
        ("train_pairs", -5, "greater than 0"),
        ("val_pairs", 0, "greater than 0"),
        ("pairs_per_image", 0, "greater than 0"),
        ("patience", -1, "greater than or equal to 0"),
        ("warmup_fraction", 1.0, "less than 1"),
        ("weight_decay", -0.1, "greater than or equal to 0"),
        ("clip_norm", 0, "greater than 0"),
        ("backbone_lr_scale", -1, "greater than or equal to 0"),
        ("epochs", None, "integer"),
        ("optimizer", "adam", "'adamw' or 'sgd'"),
        ("schedule", "linear", "'cosine', 'exponential' or 'constant'"),
        ("augment", 3, "string"),
    ],
)
def test_a_bad_value_names_the_key_the_value_and_what_is_allowed(key: str, value: object, allowed: str) -> None:
    with pytest.raises(UsageError) as caught:
        declared_recipe("resnet18", "finetune", {key: value})
    message = str(caught.value)
    assert message.startswith(f"recipe: {key} = {value!r}: ")
    assert allowed in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("key", "value"), [("easy_share", 1.5), ("easy_share", -0.1), ("images", 0), ("batch_size", 1)]
)
def test_a_bad_value_of_the_warm_up(key: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"^warmup_recipe: {key} = "):
        declared_warmup_recipe("resnet18", {key: value})


@pytest.mark.parametrize(
    "overrides", [{"train_pairs": 32}, {"batch_size": 100_000}, {"train_pairs": 99, "batch_size": 100}]
)
def test_a_recipe_that_would_train_on_nothing_is_refused(overrides: dict[str, int]) -> None:
    """Short batches are dropped: with fewer pairs than one batch there would be no step at all."""
    with pytest.raises(UsageError, match=r"^recipe: .*batch_size") as caught:
        declared_recipe("resnet18", "finetune", overrides)
    assert "train_pairs" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_warm_up_that_would_train_on_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^warmup_recipe: .*batch_size") as caught:
        declared_warmup_recipe("resnet18", {"images": 32})
    assert "images" in str(caught.value)


def test_one_full_batch_is_enough() -> None:
    assert declared_recipe("resnet18", "finetune", {"train_pairs": 64, "batch_size": 64}).train_pairs == 64
    assert declared_warmup_recipe("resnet18", {"images": 64, "batch_size": 64}).images == 64


def test_what_came_later_is_in_no_identity_while_it_has_its_default() -> None:
    """The keys of older records hang on it."""
    for recipe, last in ((Recipe(), "val_pairs"), (WarmupRecipe(), "clip_norm")):
        assert last in recipe.identity()
        assert not {"optimizer", "schedule", "augment", "precision"} & set(recipe.identity())
    assert Recipe(augment="flip", optimizer="sgd").identity() == {
        **Recipe().identity(),
        "augment": "flip=0.5",
        "optimizer": "sgd",
    }
    assert WarmupRecipe(schedule="constant").identity() == {**WarmupRecipe().identity(), "schedule": "constant"}


def test_a_recipe_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError):
        Recipe().lr = 1.0
