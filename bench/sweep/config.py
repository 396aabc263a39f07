"""Configuration of a sweep: command line over ``--config`` over defaults, checked before anything runs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sized
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator

from bench.errors import LONGEST_VALUE, UsageError, explain
from bench.records.record import STATUSES
from bench.spec import why_unfit
from bench.sweep.config_file import named, read_config
from bench.sweep.config_values import LARGEST_SEED, MOST_SEEDS, Settings, StoreUrl, read_part, read_seeds, split_names
from bench.text import printable, with_home
from bench.training.recipe import Number, Protocol, Recipe, WarmupRecipe, Whole, check_fields, no_switch

MOST_NAMES = 10_000
MOST_WORKERS = 1024
FEWEST_TEST_PAIRS = 8
MOST_CHECKS = 1_000
MOST_CELLS = 1_000_000  # planned within a minute and half a gigabyte
LONGEST_TIMEOUT = 10 * 366 * 24 * 3600  # seconds
MERGED = {"recipe": Recipe, "warmup_recipe": WarmupRecipe, "domain_params": None}  # key by key; and what checks them

Names = Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_NAMES)]
MoreNames = Annotated[tuple[str, ...], Field(max_length=MOST_NAMES)]
Seed = Annotated[int, BeforeValidator(no_switch), Field(ge=0, le=LARGEST_SEED)]
Switch = Annotated[bool, Field(strict=True)]
PathText = Annotated[str, BeforeValidator(lambda path: with_home(str(path)) if isinstance(path, str | Path) else path)]


class SweepConfig(Settings):
    """What to run: the one place that says which options there are, of which type and range, and what they mean.

    ``bench run`` has an option for each field, a YAML file a key, ``bench.run`` an argument.
    """

    fusion: Names = Field(("all",), description="all, names, globs or name:param=value; commas or repeated.")
    backbone: Names = Field(("mobilenetv3_small_32",), description="Backbones; any timm model as timm:NAME.")
    domain: Names = Field(("color",), description="Domains to train on; your images as folder:PATH.")
    seed: Annotated[tuple[int, ...], Field(min_length=1)] = Field(
        (0, 1, 2, 3, 4),
        description="Seeds: 0..4 or 0,1,2. One fixes the training data, their order and the initialisation.",
    )
    replicates: Whole | None = Field(
        None,
        ge=1,
        le=MOST_SEEDS,
        description="In place of seeds: so many repetitions that share nothing, each with its own warm-up, training, "
        "validation and test pairs; of a finite collection of images other ones for training.",
    )
    first_replicate: Seed = Field(0, description="Number of the first replicate.")
    protocol: Protocol = Field(
        "finetune", description="scratch, finetune (default: from the warm-up) or frozen (only fusion and head train)."
    )
    warmup: str = Field(
        "names", min_length=1, description="Warm-up: see bench list warmups. All fusions and seeds share it."
    )
    warmup_seed: Seed = Field(0, description="Seed of the warm-up.")
    eval: MoreNames = Field(
        ("companions",),
        description="What else to test on: all, companions (default), shifts of the domain, or domains. Those with "
        "other classes are left out.",
    )
    test_pairs: Whole = Field(4_000, ge=FEWEST_TEST_PAIRS, description="Test pairs per domain, the same for all cells.")
    recipe: dict[str, Any] = Field({}, description="Recipe fields that differ: lr=0.001,train_pairs=6400.")
    warmup_recipe: dict[str, Any] = Field({}, description="Warm-up recipe fields that differ: images=76800.")
    match_params: str | None = Field(
        None, description="Size fusions and heads alike: 5% of their median, or 5%:60000 parameters."
    )
    domain_params: dict[str, Any] = Field(
        {}, description="Parameters of every domain that has them and does not set them: difficulty=hard,size=64."
    )
    include: MoreNames = Field((), description="Plug-in file or folder; may be repeated.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="cpu, cuda or auto (default): a GPU if there is one."
    )
    executor: str = Field(
        "local",
        description="Where cells run: local (default), inline, ray:address=auto, slurm:partition=gpu, or that of a "
        "plug-in.",
    )
    jobs: Annotated[int | None, BeforeValidator(no_switch)] = Field(
        None,
        ge=0,
        le=MOST_WORKERS,
        description="Cells at a time, of executor local on each GPU (default: as many as cores, memory and GPUs "
        "hold); 0: --executor inline.",
    )
    threads: Whole = Field(1, gt=0, le=MOST_WORKERS, description="CPU threads per worker.")
    seeds_together: Whole = Field(
        1,
        gt=0,
        le=MOST_SEEDS,
        description="Train up to so many seeds of a frozen fusion in one pass (default: 1), where that is faster. It "
        "changes rounding, and cells have no training rate of their own.",
    )
    checks: Whole = Field(
        0,
        ge=0,
        le=MOST_CHECKS,
        description="Look at each cell at so many points of its training (default: 0): loss, AUC and best F1 on 96 "
        "validation pairs, gradients by layer, and whether it overfits. Changes no number; such seeds share no pass.",
    )
    timeout: str | None = Field(None, description="Limit per cell: 90s, 20m, 2h.")
    warmup_timeout: str | None = Field(None, description="Limit per warm-up, as --timeout.")
    retry: tuple[Literal[STATUSES], ...] = Field(  # type: ignore[valid-type]
        ("killed",), description="Statuses of earlier attempts to run again."
    )
    observer: MoreNames = Field(
        (), description="What looks at every cell that runs and changes no number: see bench list observers."
    )
    profile: Switch = Field(
        False, description="--observer profile: trace a few training steps of each cell; print its top operators."
    )
    tensorboard: Switch = Field(
        False, description="--observer tensorboard: curves, metrics, pairs and histograms of each cell."
    )
    save: Literal["none", "best", "all"] = Field(
        "none",
        description="--observer models: keep the trained models of all repetitions, or of the best by validation.",
    )
    part: str | None = Field(
        None,
        description="Run only this share of the cells: 3/8 is the third of eight. Each machine takes one, with its own "
        "--out; bench report reads them together.",
    )
    store: StoreUrl | None = Field(
        None, description="URL, as s3://bucket/sweep, where machines share warm-ups and leave copies of their runs."
    )
    equivalence_margin: Number = Field(
        1.0,
        gt=0,
        le=100,
        description="Points below which bench report --baseline calls fusions equivalent. Changes no run.",
    )
    gate_margin: Number = Field(
        1.0, ge=0, le=100, description="Drop in points that bench check and bench compare let pass. Changes no run."
    )
    out: PathText = Field("results/main", min_length=1, description="Folder of the run (default: results/main).")

    @property
    def repetitions(self) -> tuple[int, ...]:
        """The seeds, or the numbers of the replicates."""
        if self.replicates is None:
            return self.seed
        return tuple(range(self.first_replicate, self.first_replicate + self.replicates))

    @property
    def chosen_observers(self) -> tuple[str, ...]:
        """The observers; first those that are asked for by their short form, so that others find what they keep."""
        short = {
            "tensorboard": self.tensorboard,
            "profile": self.profile,
            f"models:keep={self.save}": self.save != "none",
        }
        return tuple(dict.fromkeys([*(name for name, asked in short.items() if asked), *self.observer]))

    @property
    def chosen_executor(self) -> str:
        """The executor, which has a short form, too."""
        return "inline" if self.jobs == 0 else self.executor

    @field_validator("fusion", "backbone", "domain", "eval", "include", "retry", "observer", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        return split_names(value)

    @field_validator("seed", mode="before")
    @classmethod
    def _read_seeds(cls, value: Any) -> Any:
        return read_seeds(value)

    @field_validator("timeout", "warmup_timeout", mode="before")
    @classmethod
    def _say_seconds(cls, value: Any) -> Any:
        """A number in a file is one of seconds."""
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("domain_params")
    @classmethod
    def _check_params(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, own in value.items():
            if not isinstance(own, str | bool | int | float | Path):
                raise ValueError(f"{name!r}: expected text, a number, true or false")
        return value

    @field_validator("include")
    @classmethod
    def _check_paths(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for path in value:
            try:
                Path(path).exists()
            except OSError as error:
                raise ValueError(f"{error.strerror}") from None
        return value

    @field_validator("jobs")
    @classmethod
    def _check_jobs(cls, value: int | None, info: ValidationInfo) -> int | None:
        executor = info.data.get("executor", "local")
        if value == 0 and executor not in ("local", "inline"):
            raise ValueError(f"0 is short for executor inline, and executor is {executor}")
        return value

    @field_validator("timeout", "warmup_timeout")
    @classmethod
    def _check_timeout(cls, value: str | None) -> str | None:
        seconds(value)
        return value

    @field_validator("part")
    @classmethod
    def _check_part(cls, value: str | None) -> str | None:
        return value if value is None else "{}/{}".format(*read_part(value))

    @field_validator("match_params")
    @classmethod
    def _check_matching(cls, value: str | None) -> str | None:
        from bench.cost.matching import Matching  # it needs torch, and --help does not

        if value is not None:
            Matching.parse(value)
        return value


def seconds(duration: str | None) -> float | None:
    """``90s``, ``20m``, ``2h`` or a bare number of seconds; anything else raises ``ValueError``."""
    if duration is None:
        return None
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([smh]?)", duration.strip())
    if not match:
        raise ValueError(f"{duration!r} is not a duration; expected something like 90s, 20m or 2h")
    found = float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]
    if found == 0:
        raise ValueError(f"{duration!r} leaves no time; expected something like 90s, 20m or 2h")
    if found > LONGEST_TIMEOUT:
        raise ValueError(f"{duration!r} is more than ten years; without a timeout there is no limit")
    return found


def check_size(*axes: Sized) -> None:
    """Raise ``UsageError`` where the axes of a sweep, each of them within its limit, make too many cells together."""
    cells = math.prod(map(len, axes))
    if cells > MOST_CELLS:
        raise UsageError(f"{cells:,} cells; expected at most {MOST_CELLS:,}: choose fewer fusions or repetitions")


def option_of(field: str) -> str:
    """The option of the command line that sets a field."""
    return f"--{field.replace('_', '-')}"


def load_config(given: Mapping[str, Any], *files: Path, where: Callable[[str], str] = option_of) -> SweepConfig:
    """Merge what was *given* over the ``files``, of which a later one wins, over the defaults; mappings key by key.

    Args:
        files: as :func:`read_config` reads them.
        where: what messages call a key that was given: by default its option of the command line.

    Raises:
        UsageError: a file cannot be read, a key is unknown, or a value is out of range; the message says where it was
            set.
    """
    merged: dict[str, Any] = {}
    origins: dict[tuple[str, ...], str] = {}
    layers = [(named(file), read_config(file)) for file in files]
    for origin, content in (*layers, ("", given)):
        if not {"seed", "replicates"} - {key for key, value in content.items() if value is not None}:
            raise UsageError(f"{origin or where('seed')}: seeds and replicates exclude each other; give one of them")
        for one, *others in (("seed", "replicates", "first_replicate"), ("replicates", "seed")):
            if content.get(one) is not None:
                merged = {key: value for key, value in merged.items() if key not in others}
        for key, value in content.items():
            if problem := why_unfit(key):
                raise UsageError(f"{origin or where('')}: {printable(key, LONGEST_VALUE)!r} is no key: {problem}")
            is_merged = key in MERGED and isinstance(value, Mapping)
            before = merged.get(key) if is_merged else None
            merged[key] = {**before, **value} if isinstance(before, Mapping) else value
            places = [(key,), *((key, name) for name in value)] if is_merged else [(key,)]
            origins |= dict.fromkeys(places, origin or where(key))
    try:
        config = SweepConfig(**merged)
    except ValidationError as error:
        raise UsageError(explain(error, SweepConfig, lambda key: origins.get((key,), where(key)))) from None
    for field, model in MERGED.items():
        if model is not None:
            check_fields(model, merged.get(field, {}), partial(_place, origins, field))
    return config


def _place(origins: Mapping[tuple[str, ...], str], field: str, name: str) -> str:
    """Where a value in a mapping was set."""
    origin = origins.get((field, name), "")
    return origin if origin == option_of(field) else f"{origin}: {field}"
