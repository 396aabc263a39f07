"""Configuration of a sweep: command line over ``--config`` over defaults, checked before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from bench.errors import UsageError, explain
from bench.records.folder import STATUSES
from bench.spec import Spec, parse_spec
from bench.training.recipe import Protocol

Names = Annotated[tuple[str, ...], Field(min_length=1)]
PathText = Annotated[str, BeforeValidator(lambda path: str(path) if isinstance(path, Path) else path)]
# Fields that are short for a parameter of a domain.
SHORT_FOR = {"textures": "texture", "size": "folder"}


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
    textures: PathText = Field("", description="Folder of images that join the texture bank: texture:textures=DIR.")
    size: int | None = Field(None, gt=0, description="Height and width of the images of folder domains: folder:size=N.")
    include: tuple[str, ...] = Field((), description="Plug-in file or folder; may be repeated.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="cpu, cuda or auto (default): a GPU if there is one."
    )
    jobs: int | None = Field(
        None, ge=0, description="Worker processes (default: one per core; on a GPU, one); 0 runs in this one."
    )
    threads: int = Field(1, gt=0, description="CPU threads per worker.")
    seeds_together: int = Field(
        1,
        gt=0,
        description="Train up to so many seeds of a frozen fusion in one pass (default: 1), where that is faster. It "
        "changes rounding, and cells have no training rate of their own.",
    )
    timeout: str | None = Field(None, description="Limit per cell: 90s, 20m, 2h.")
    retry: tuple[Literal[STATUSES], ...] = Field(  # type: ignore[valid-type]
        ("killed",), description="Statuses of earlier attempts to run again."
    )
    profile: bool = Field(False, description="Trace a few training steps of each cell; print its top operators.")
    tensorboard: bool = Field(
        False, description="Write curves, metrics, pairs and histograms of each cell for TensorBoard."
    )
    equivalence_margin: float = Field(
        1.0, gt=0, description="Points below which bench report --baseline calls fusions equivalent. Changes no run."
    )
    gate_margin: float = Field(
        1.0, ge=0, description="Drop in points that bench check and bench compare let pass. Changes no run."
    )
    out: PathText = Field("results/main", description="Folder of the run (default: results/main).")

    @field_validator("fusion", "backbone", "domain", "eval", "include", "retry", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        return split_names(value)

    @field_validator("seed", mode="before")
    @classmethod
    def _read_seeds(cls, value: Any) -> Any:
        parts = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        return tuple(dict.fromkeys(seed for part in parts for seed in _seeds(part)))

    @field_validator("timeout")
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

    Raises:
        UsageError: the file is missing or not a YAML mapping, a key is unknown, or a value is out of range.
    """
    from_file = _read_yaml(file) if file else {}
    merged = {**from_file, **given}
    for nested in ("recipe", "warmup_recipe"):
        if isinstance(from_file.get(nested), Mapping) and isinstance(given.get(nested), Mapping):
            merged[nested] = {**from_file[nested], **given[nested]}

    def origin(key: str) -> str:
        return where(key) if key in given or file is None else str(file)

    for short, domain in SHORT_FOR.items():
        if merged.get(short) not in (None, ""):
            merged |= _lengthened(merged, short, domain, origin(short))
    try:
        return SweepConfig(**merged)
    except ValidationError as error:
        raise UsageError(explain(error, SweepConfig, origin)) from None


def _lengthened(merged: Mapping[str, Any], parameter: str, domain: str, origin: str) -> dict[str, Any]:
    """The names of domains in ``merged``, with a parameter that was given apart from them where it is not set."""
    found: dict[str, Any] = {}
    for key in ("domain", "eval"):
        names = split_names(merged.get(key, ()))
        specs = [parse_spec(name) for name in names] if isinstance(names, tuple) else []
        if any(spec.name == domain for spec in specs):
            own = {parameter: str(merged[parameter])}
            found[key] = tuple(
                str(Spec(spec.name, {**own, **spec.params})) if spec.name == domain else name
                for spec, name in zip(specs, names, strict=True)
            )
    if not found:
        raise UsageError(f"{origin}: {parameter} is short for {domain}:{parameter}=..., and no domain here is {domain}")
    return found


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"--config {file}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"--config {file}: not readable as YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(content, dict):
        raise UsageError(f"--config {file}: expected keys and values, such as 'fusion: all'")
    for key in content:
        if not isinstance(key, str):
            raise UsageError(f"--config {file}: key {key!r} is not text; expected names such as fusion")
    return content
