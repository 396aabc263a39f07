"""Configuration of a probe: command line over ``--config`` over defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from bench.errors import UsageError, explain
from bench.sweep.config import MoreNames, Names, PathText, Seed, Switch, option_of
from bench.sweep.config_file import named, read_config
from bench.sweep.config_values import Settings, split_names
from bench.training.recipe import Whole

# A class needs a few images; more than this fill the memory of a small machine.
FEWEST_IMAGES, MOST_IMAGES, MOST_TRIALS = 8, 200_000, 1_000


class ProbeConfig(Settings):
    """What is probed with what: ``bench probe`` has an option for each field, a YAML file a key."""

    source: str = Field("names", min_length=1, description="A stored model (file, or folder of one), or a warm-up.")
    domain: str | None = Field(None, description="Whose images are shown; of a model by default the one trained on.")
    backbone: str = Field("mobilenetv3_small_32", description="Of a warm-up: the backbone that it trains.")
    classifier: Names = Field(("linear",), description="all, names, globs or name:param=value (default: linear).")
    images: Literal["own", "bank"] = Field(
        "own", description="own (default): images of the domain's pairs; bank: the named ones that warm-ups show."
    )
    reads: Literal["auto", "embedding", "position", "pooled"] = Field(
        "auto",
        description="Of a warm-up's backbone: its embedding, each position of the deepest map, or the mean over them "
        "(default: what the warm-up trains).",
    )
    tune: Switch = Field(False, description="Search the parameters of each classifier with Optuna, on validation.")
    trials: Whole = Field(16, ge=2, le=MOST_TRIALS, description="Under --tune: settings tried of each classifier.")
    select: Literal["top1", "top2"] = Field(
        "top1", description="What decides on validation: class-balanced top1 (default) or top2 accuracy."
    )
    eval: MoreNames = Field(
        ("companions",), description="What else to test on, as for bench run (default: companions); none for nothing."
    )
    train_images: Whole = Field(10_000, ge=FEWEST_IMAGES, le=MOST_IMAGES, description="Most images for training.")
    test_images: Whole = Field(
        4_000, ge=FEWEST_IMAGES, le=MOST_IMAGES, description="Most images for validation and for each test."
    )
    seed: Seed = Field(0, description="Of draws and classifiers.")
    warmup_seed: Seed = Field(0, description="Seed of the warm-up.")
    warmup_recipe: dict[str, Any] = Field({}, description="Warm-up recipe fields that differ: images=76800.")
    include: MoreNames = Field((), description="Plug-in file or folder; may be repeated.")
    threads: Whole = Field(2, gt=0, le=1024, description="CPU threads.")
    out: PathText = Field("results/probe", min_length=1, description="Folder of tables and pictures.")

    @field_validator("classifier", "eval", "include", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        return split_names(value)

    @field_validator("eval")
    @classmethod
    def _read_none(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return () if value == ("none",) else value


def load_probe(given: Mapping[str, Any], file: Path | None = None) -> ProbeConfig:
    """What was *given* over a file over the defaults.

    Raises:
        UsageError: the file cannot be read, a key is unknown, or a value is out of range.
    """
    content = {} if file is None else read_config(file)
    try:
        return ProbeConfig(**{**content, **given})
    except ValidationError as error:
        where = "" if file is None else named(file)
        raise UsageError(explain(error, ProbeConfig, lambda key: option_of(key) if key in given else where)) from None
