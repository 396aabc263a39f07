"""Configuration of a sweep: command line over ``--config`` over defaults, checked before anything runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bench.cost.matching import Matching
from bench.errors import UsageError, explain
from bench.records.record import STATUSES
from bench.training.recipe import Protocol

Names = Annotated[tuple[str, ...], Field(min_length=1)]


class SweepConfig(BaseModel):
    """What to run.

    Attributes:
        fusion, backbone, domain: names, globs, ``all``, or ``name:param=value``.
        seed: one training run per seed; a seed fixes training data, their order and the initialisation.
        protocol: ``scratch``, ``finetune`` (from the shared warm-up) or ``frozen`` (only fusion and head train).
        warmup: warm-up task, computed once per backbone and domain and shared by all fusions and seeds.
        warmup_seed: its seed.
        eval: what to evaluate on besides the domain trained on: ``companions`` (what the domain itself suggests),
            ``all`` (these and every shift), shifts, or domains; those with other classes are left out.
        test_pairs: pairs per evaluated domain, the same for all cells.
        recipe, warmup_recipe: fields that differ from the declared recipe of the backbone, among them the ``objective``
            and the weights of ``auxiliary`` heads.
        match_params: size every fusion with its head to one budget, ``5%`` around the median of the sweep's fusions or
            ``5%:60000`` around a number of parameters, which stays when fusions are added later.
        textures: folder of images that join the bank of the ``texture`` domain.
        size: height and width in pixels of the images of ``folder`` domains.
        include: plug-in files or folders.
        device: ``cpu``, ``cuda``, or ``auto``: a GPU where there is one.
        jobs: worker processes, by default one for each core or, on a GPU, one; 0 runs in this process. threads: CPU
            threads of each worker.
        seeds_together: most seeds of one fusion that are trained in one pass under the frozen protocol, where that is
            faster. It changes rounding, and cells have no training rate of their own.
        timeout: limit for one cell, such as ``90s``, ``20m`` or ``2h``.
        retry: statuses of earlier attempts that are run again.
        profile: trace a few extra training steps of every cell that runs. tensorboard: write its curve, metrics, pairs
            and histograms. Neither changes a number.
        equivalence_margin: difference, in points, below which ``bench report --baseline`` calls fusions equivalent.
        gate_margin: drop, in points, that ``bench check`` and ``bench compare`` let pass. Neither changes what is run.
        out: folder of the run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fusion: Names = ("all",)
    backbone: Names = ("mobilenetv3_small_32",)
    domain: Names = ("color",)
    seed: Annotated[tuple[int, ...], Field(min_length=1)] = (0, 1, 2, 3, 4)
    protocol: Protocol = "finetune"
    warmup: str = "names"
    warmup_seed: int = 0
    eval: tuple[str, ...] = ("companions",)
    test_pairs: Annotated[int, Field(ge=8)] = 4_000
    recipe: dict[str, Any] = {}
    warmup_recipe: dict[str, Any] = {}
    match_params: str | None = None
    textures: str = ""
    size: Annotated[int, Field(gt=0)] | None = None
    include: tuple[str, ...] = ()
    device: Literal["auto", "cpu", "cuda"] = "auto"
    jobs: Annotated[int, Field(ge=0)] | None = None
    threads: Annotated[int, Field(gt=0)] = 1
    seeds_together: Annotated[int, Field(gt=0)] = 1
    timeout: str | None = None
    retry: tuple[Literal[STATUSES], ...] = ("killed",)  # type: ignore[valid-type]
    profile: bool = False
    tensorboard: bool = False
    equivalence_margin: Annotated[float, Field(gt=0)] = 1.0
    gate_margin: Annotated[float, Field(ge=0)] = 1.0
    out: str = "results/main"

    @field_validator("fusion", "backbone", "domain", "eval", "include", "retry", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        parts = [value] if isinstance(value, str) else value
        if not isinstance(parts, Sequence):
            return value
        return tuple(name.strip() for part in parts for name in str(part).split(",") if name.strip())

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
        if value is not None:
            Matching.parse(value)
        return value


def _seeds(part: Any) -> list[Any]:
    """``3``, ``"0..4"`` (both ends included) or ``"0,2,7"``."""
    if not isinstance(part, str):
        return [part]
    found: list[int] = []
    for piece in part.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\s*\.\.\s*(\d+))?\s*", piece)
        if not match:
            raise ValueError(f"{piece!r} is no seed; expected 3, 0..4 or 0,2,7")
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
        raise ValueError(f"{duration!r} is no duration; expected something like 90s, 20m or 2h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def load_config(given: Mapping[str, Any], file: Path | None = None) -> SweepConfig:
    """Merge what was *given* on the command line over the YAML ``file`` over the defaults.

    Raises:
        UsageError: the file is missing or no YAML mapping, a key is unknown, or a value is out of range.
    """
    from_file = _read_yaml(file) if file else {}
    merged = {**from_file, **given}
    for nested in ("recipe", "warmup_recipe"):
        if isinstance(from_file.get(nested), Mapping) and nested in given:
            merged[nested] = {**from_file[nested], **given[nested]}
    try:
        return SweepConfig(**merged)
    except ValidationError as error:
        raise UsageError(explain(error, SweepConfig, lambda key: _origin(key, given, file))) from None


def _origin(key: str, given: Mapping[str, Any], file: Path | None) -> str:
    return f"--{key.replace('_', '-')}" if key in given or file is None else str(file)


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
            raise UsageError(f"--config {file}: key {key!r} is no text; expected names such as fusion")
    return content
