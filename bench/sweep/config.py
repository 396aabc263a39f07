"""Configuration of a sweep: command line over ``--config`` over defaults, checked before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from bench.errors import UsageError, explain
from bench.records.record import STATUSES
from bench.training.recipe import Protocol
from bench.zoo import built_in_folder

Names = Annotated[tuple[str, ...], Field(min_length=1)]
PathText = Annotated[str, BeforeValidator(lambda path: str(path) if isinstance(path, Path) else path)]


class SweepConfig(BaseModel):
    """What to run: the one place that says which options there are, of which type and range, and what they mean.

    ``bench run`` has an option for each field, a YAML file a key, ``bench.run`` an argument.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fusion: Names = Field(("all",), description="all, names, globs or name:param=value; commas or repeated.")
    backbone: Names = Field(("mobilenetv3_small_32",), description="Backbones; any timm model as timm:NAME.")
    domain: Names = Field(("color",), description="Domains to train on; your images as folder:PATH.")
    seed: Annotated[tuple[int, ...], Field(min_length=1)] = Field(
        (0, 1, 2, 3, 4),
        description="Seeds: 0..4 or 0,1,2. One fixes the training data, their order and the initialisation.",
    )
    protocol: Protocol = Field(
        "finetune", description="scratch, finetune (default: from the warm-up) or frozen (only fusion and head train)."
    )
    warmup: str = Field("names", description="Warm-up: see bench list warmups. All fusions and seeds share it.")
    warmup_seed: int = Field(0, description="Seed of the warm-up.")
    eval: tuple[str, ...] = Field(
        ("companions",),
        description="What else to test on: all, companions (default), shifts of the domain, or domains. Those with "
        "other classes are left out.",
    )
    test_pairs: int = Field(4_000, ge=8, description="Test pairs per domain, the same for all cells.")
    recipe: dict[str, Any] = Field({}, description="Recipe fields that differ: lr=0.001,train_pairs=6400.")
    warmup_recipe: dict[str, Any] = Field({}, description="Warm-up recipe fields that differ: images=76800.")
    match_params: str | None = Field(
        None, description="Size fusions and heads alike: 5% of their median, or 5%:60000 parameters."
    )
    domain_params: dict[str, Any] = Field(
        {}, description="Parameters of every domain that has them and does not set them: difficulty=hard,size=64."
    )
    include: tuple[str, ...] = Field((), description="Plug-in file or folder; may be repeated.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="cpu, cuda or auto (default): a GPU if there is one."
    )
    executor: str = Field("local", description="Where cells run: local (default), inline, or that of a plug-in.")
    jobs: int | None = Field(
        None, ge=0, description="Cells at a time (default: one per core; on a GPU, one); 0: --executor inline."
    )
    threads: int = Field(1, gt=0, description="CPU threads per worker.")
    seeds_together: int = Field(
        1,
        gt=0,
        description="Train up to so many seeds of a frozen fusion in one pass (default: 1), where that is faster. It "
        "changes rounding, and cells have no training rate of their own.",
    )
    timeout: str | None = Field(None, description="Limit per cell: 90s, 20m, 2h.")
    warmup_timeout: str | None = Field(None, description="Limit per warm-up, as --timeout.")
    retry: tuple[Literal[STATUSES], ...] = Field(  # type: ignore[valid-type]
        ("killed",), description="Statuses of earlier attempts to run again."
    )
    observer: tuple[str, ...] = Field(
        (), description="What looks at every cell that runs and changes no number: see bench list observers."
    )
    profile: bool = Field(
        False, description="--observer profile: trace a few training steps of each cell; print its top operators."
    )
    tensorboard: bool = Field(
        False, description="--observer tensorboard: curves, metrics, pairs and histograms of each cell."
    )
    equivalence_margin: float = Field(
        1.0, gt=0, description="Points below which bench report --baseline calls fusions equivalent. Changes no run."
    )
    gate_margin: float = Field(
        1.0, ge=0, description="Drop in points that bench check and bench compare let pass. Changes no run."
    )
    out: PathText = Field("results/main", description="Folder of the run (default: results/main).")

    @property
    def chosen_observers(self) -> tuple[str, ...]:
        """The observers, with those that are asked for by their short form."""
        short = {"tensorboard": self.tensorboard, "profile": self.profile}
        return tuple(dict.fromkeys([*self.observer, *(name for name, asked in short.items() if asked)]))

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
        parts = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        return tuple(dict.fromkeys(seed for part in parts for seed in _seeds(part)))

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

    @field_validator("match_params")
    @classmethod
    def _check_matching(cls, value: str | None) -> str | None:
        from bench.cost.matching import Matching  # it needs torch, and --help does not

        if value is not None:
            Matching.parse(value)
        return value


def split_names(value: Any) -> Any:
    """Names from a text with commas, or from several; anything else is returned as it is."""
    parts = [value] if isinstance(value, str | Path) else value
    if not isinstance(parts, Sequence):
        return value
    return tuple(name.strip() for part in parts for name in str(part).split(",") if name.strip())


def _seeds(part: Any) -> list[Any]:
    """``3``, ``"0..4"`` (both ends included) or ``"0,2,7"``."""
    if not isinstance(part, str):
        return [part]
    found: list[int] = []
    for piece in part.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\s*\.\.\s*(\d+))?\s*", piece)
        if not match:
            raise ValueError(f"{piece!r} is not a seed; expected 3, 0..4 or 0,2,7")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ValueError(f"{piece!r} counts down; expected first..last")
        found += range(first, last + 1)
    return found


def seconds(duration: str | None) -> float | None:
    """``90s``, ``20m``, ``2h`` or a bare number of seconds; anything else raises ``ValueError``."""
    if duration is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", duration.strip())
    if not match or float(match[1]) == 0:
        raise ValueError(f"{duration!r} is not a duration; expected something like 90s, 20m or 2h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def option_of(field: str) -> str:
    """The option of the command line that sets a field."""
    return f"--{field.replace('_', '-')}"


def load_config(
    given: Mapping[str, Any], file: Path | None = None, where: Callable[[str], str] = option_of
) -> SweepConfig:
    """Merge what was *given* over the YAML ``file`` over the defaults.

    Args:
        where: what messages call a key that was given: by default its option of the command line.

    Where ``file`` does not exist, it may be the name of a built-in configuration, such as ``quick``.

    Raises:
        UsageError: the file is missing or not a YAML mapping, a key is unknown, or a value is out of range.
    """
    from_file = _read_yaml(file) if file else {}
    merged = {**from_file, **given}
    for nested in ("recipe", "warmup_recipe", "domain_params"):
        if isinstance(from_file.get(nested), Mapping) and isinstance(given.get(nested), Mapping):
            merged[nested] = {**from_file[nested], **given[nested]}

    def origin(key: str) -> str:
        return where(key) if key in given or file is None else str(file)

    try:
        return SweepConfig(**merged)
    except ValidationError as error:
        raise UsageError(explain(error, SweepConfig, origin)) from None


def _find(file: Path) -> Path:
    if file.exists() and not file.is_dir():
        return file
    folder = built_in_folder("configs")
    built_in = {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob("*.yaml")}
    if str(file) not in built_in:
        raise UsageError(f"--config {file}: no such file; built-in configurations: {', '.join(sorted(built_in))}")
    return built_in[str(file)]


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(_find(file).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"--config {file}: not readable as YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(content, dict):
        raise UsageError(f"--config {file}: expected keys and values, such as 'fusion: all'")
    for key in content:
        if not isinstance(key, str):
            raise UsageError(f"--config {file}: key {key!r} is not text; expected names such as fusion")
    return content
