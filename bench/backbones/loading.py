"""Weights that others trained, put into a backbone. Importing this imports timm."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from bench.backbones.contract import Backbone, build
from bench.backbones.from_timm import _split
from bench.backbones.weights import Weights, missing_package
from bench.errors import UsageError
from bench.fusion import MapShape
from bench.text import printable, some, without_home

# What training loops put a state dict into, and in front of its names.
INSIDE = ("state_dict", "model_state_dict", "model")
OWN = "backbone."
PREFIXES = ("module.", "model.", OWN)
NAMED, LONGEST_NAME, LONGEST_REASON = 3, 80, 200
RGB = 3
COUNTER = "num_batches_tracked"
State = Mapping[str, Tensor]


def started(cls: type[Backbone], image: MapShape, weights: Weights, trained: bool = True) -> Backbone:
    """A backbone that starts from ``weights`` and sees images prepared for them.

    Args:
        trained: else its weights stay random.

    Raises:
        UsageError: the weights cannot be read, or are not those of this backbone.
    """
    shown = weights.preparation.enlarged(image)
    if trained and weights.file is None:
        return _from_hub(cls, shown).prepared(weights.preparation, image)
    backbone = build(cls, shown)
    if trained and weights.file is not None:
        where = without_home(str(weights.file))
        state = _read(weights.file, where)
        model = getattr(cls, "model", "")
        if weights.in_order:
            state = dict(zip(_full(model).keys(), state.values(), strict=False))
        own = backbone.state_dict()
        if model and not any(name.startswith("stages.") and name in own for name in state):
            state = _from_timm(model, shown, state, where)
        load_state(backbone, state, where)
    return backbone.prepared(weights.preparation, image)


def load_state(backbone: Backbone, state: State, where: str) -> None:
    """Load a state dict with the names of the backbone. A stem with other input channels gets its filters
    repeated and rescaled, the position table (1, L, D) of a larger image is interpolated, and an embedding that is not
    there stays as it is.

    Args:
        where: the file, for the message.

    Raises:
        UsageError: tensors are missing, of another shape or not finite.
    """
    from timm.layers.pos_embed import resample_abs_pos_embed

    own = backbone.state_dict()
    whole = any(name.startswith("embedding.") for name in state)
    wanted = {name: value for name, value in own.items() if whole or not name.startswith("embedding.")}
    fitted = dict(state)
    for name, value in wanted.items():
        given = state.get(name)
        if given is None or given.ndim != value.ndim or given.shape == value.shape:
            continue
        if value.ndim == 4 and given.shape[0] == value.shape[0] and given.shape[2:] == value.shape[2:]:
            fitted[name] = _for_channels(given, value.shape[1])
        elif value.ndim == 3 and given.shape[2] == value.shape[2]:
            grid = backbone.spec.stages[0]
            fitted[name] = resample_abs_pos_embed(given, [grid.height, grid.width], num_prefix_tokens=0)
    _check(wanted, fitted, where)
    backbone.load_state_dict({name: fitted.get(name, value) for name, value in own.items()})


def _for_channels(filters: Tensor, channels: int) -> Tensor:
    """Filters (O, C, H, W) made to see so many channels. For a multiple of C they are repeated, else every channel is
    taken for grey; the answer to channels that are all alike stays the same."""
    given = filters.shape[1]
    if channels % given:
        filters, given = filters.sum(1, keepdim=True), 1
    return filters.repeat(1, channels // given, 1, 1) * (given / channels)


def _from_hub(cls: type[Backbone], image: MapShape) -> Backbone:
    try:
        return build(cls, image, pretrained=True)
    except UsageError as error:
        package = missing_package(cls.name)
        raise UsageError(f"{error}; {package}" if package else str(error)) from error


def _from_timm(model: str, image: MapShape, state: State, where: str) -> State:
    """A state dict with the names of a timm model, as one with those of its backbone. timm itself knows what becomes of
    heads and of the position tables of other sizes."""
    image = MapShape(RGB, image.height, image.width)
    full, used = _full(model), {_plain(name) for name in _extractor(model, image).state_dict()}
    _check({name: value for name, value in full.items() if _plain(name) in used}, state, where)
    state = {name: value for name, value in state.items() if name not in full or _plain(name) in used}
    try:
        extractor = _extractor(model, image, pretrained=True, pretrained_cfg_overlay={"state_dict": state})
    except RuntimeError as error:
        raise UsageError(f"{where}: not weights of timm:{model}: {str(error).splitlines()[0]}") from None
    stem, stages = _split(model, extractor)
    parts = {"stem": stem, "stages": nn.ModuleList(stages)}
    return {f"{part}.{name}": value for part, module in parts.items() for name, value in module.state_dict().items()}


def _extractor(model: str, image: MapShape, **options: Any) -> nn.Module:
    try:
        return timm.create_model(model, features_only=True, img_size=(image.height, image.width), **options)
    except TypeError:
        return timm.create_model(model, features_only=True, **options)


@cache
def _full(model: str) -> State:
    """The tensors of a timm model with its head, in their order and without their values."""
    with torch.device("meta"):
        return timm.create_model(model).state_dict()


def _plain(name: str) -> str:
    """A name of the model with its head, or of its feature extractor, which may put another object around it or join
    two levels."""
    return name.removeprefix("model.").replace("_", ".")


def _read(file: Path, where: str) -> State:
    """The tensors in a file by name, without what wrappers put around and in front of them."""
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            found: Any = load_file(file)
        else:
            found = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UsageError(
            f"{where}: cannot be read as tensors alone; expected a state dict of torch.save or safetensors"
        ) from None
    except Exception as error:
        reason = printable(str(error), LONGEST_REASON).splitlines() or [type(error).__name__]
        raise UsageError(f"{where}: cannot be read as weights: {reason[0]}") from None
    for name in INSIDE:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    named: Mapping[Any, Any] = found if isinstance(found, Mapping) else {}
    state = {str(name): value for name, value in named.items() if isinstance(value, Tensor)}
    if not state:
        raise UsageError(f"{where}: holds no tensors by name; expected a state dict")
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    # Of a whole model, such as a stored one, what starts another is the backbone.
    own = {name.removeprefix(OWN): value for name, value in state.items() if name.startswith(OWN)}
    return own or state


def _check(wanted: State, state: State, where: str) -> None:
    """Raise ``UsageError`` where a wanted tensor is missing, cannot be made to fit or holds what is no number. Counters
    of batches may be missing."""
    missing = [name for name in wanted if name not in state and not name.endswith(COUNTER)]
    misfits = [
        f"{name} {_shape(state[name])}, expected {_shape(value)}"
        for name, value in wanted.items()
        if name in state and not _fits(state[name], value)
    ]
    fits = [name for name, value in wanted.items() if name in state and _fits(state[name], value)]
    broken = [name for name in fits if not torch.isfinite(state[name]).all()]
    found = {"missing": missing, "of another shape": misfits, "not finite": broken}
    problems = [f"{words}: {_some(names)}" for words, names in found.items() if names]
    if problems:
        count = sum(map(len, found.values()))
        raise UsageError(
            f"{where}: {count} of the {len(wanted)} tensors of the backbone do not fit: {'; '.join(problems)}"
        )


def _fits(given: Tensor, value: Tensor) -> bool:
    """Whether the shapes are equal; position tables (1, L, D) may have another length."""
    return given.shape == value.shape or (given.ndim == value.ndim == 3 and given.shape[2] == value.shape[2])


def _shape(value: Tensor) -> str:
    return "x".join(map(str, value.shape)) or "()"


def _some(names: Iterable[str]) -> str:
    return some((printable(name, LONGEST_NAME) for name in names), NAMED)
