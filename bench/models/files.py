"""The two files of a stored model: weights as safetensors, and the card that appears last. Reading executes no code."""

from __future__ import annotations

import glob
import hashlib
import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import safetensors
from pydantic import ValidationError
from safetensors.torch import save
from torch import Tensor, nn

from bench.atomic import write_bytes_atomically, write_text_atomically
from bench.backbones.weights import STATED
from bench.digest import file_sha256
from bench.errors import LONGEST_NAME, UsageError
from bench.model import PairModel
from bench.models.card import SCHEMA, Card, card_of
from bench.sweep.measure import Finished
from bench.text import printable, without_home

WEIGHTS, CARD = ".safetensors", ".json"
# Of a run folder, where its observer puts them.
FOLDER = "models"
LARGEST_CARD = 1_000_000
# What stands before the names of the tensors of auxiliary heads, which no comparison needs.
HEADS = "auxiliary."


def write(folder: Path, finished: Finished) -> Path:
    """Keep the model of a cell as ``<key>.safetensors`` with ``<key>.json`` in a folder; returns the first.

    Raises:
        StorageError: the disk is full, or the folder cannot be written to.
    """
    state = _state(finished.model)
    if finished.learner is not None:
        state |= {f"{HEADS}{name}": value for name, value in _state(finished.learner.heads).items()}
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    content = save(tensors, metadata=_metadata(finished.model))
    card = card_of(finished, hashlib.sha256(content).hexdigest())
    weights = folder / f"{card.key}{WEIGHTS}"
    write_bytes_atomically(weights, content)
    write_text_atomically(weights.with_suffix(CARD), card.model_dump_json(by_alias=True, indent=2))
    return weights


def read_card(weights: Path) -> Card:
    """The card beside a file of weights, which it vouches for.

    Raises:
        UsageError: one of the two is missing, is none, of another version, or not what was written.
    """
    file = weights.with_suffix(CARD)
    shown = printable(str(file), LONGEST_NAME)
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_CARD + 1)
        if len(content) > LARGEST_CARD:
            raise UsageError(f"{shown}: no card of a stored model (larger than {LARGEST_CARD // 10**6} MB)")
        read = json.loads(content)
        if isinstance(read, dict) and read.get("schema", SCHEMA) != SCHEMA:
            raise UsageError(f"{shown}: a card of schema {read['schema']!r:.20}; this version reads {SCHEMA}")
        card = Card.model_validate(read)
        if file_sha256(weights) != card.sha256:
            raise UsageError(f"{printable(str(weights), LONGEST_NAME)}: not the weights that {file.name} vouches for")
    except OSError as error:
        raise UsageError(f"{printable(str(error.filename or file), LONGEST_NAME)}: {error.strerror or error}") from None
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise UsageError(printable(f"{shown}: no card of a stored model ({where}: {problem['msg']})")) from None
    except (ValueError, RecursionError):
        raise UsageError(f"{shown}: no card of a stored model (not JSON)") from None
    return card


def load_weights(model: nn.Module, weights: Path) -> None:
    """Put the tensors of a file into a model, once all of them are known to fit.

    Raises:
        UsageError: it is no safetensors file, or holds other tensors than the model has.
    """
    shown, own = printable(str(weights), LONGEST_NAME), _state(model)
    try:
        with safetensors.safe_open(weights, framework="pt") as file:
            names = {name for name in file.keys() if not name.startswith(HEADS)}  # noqa: SIM118
            if odd := sorted(names ^ own.keys()):
                what = "lacks" if odd[0] in own else "has"
                raise UsageError(f"{shown}: not the weights of this model: it {what} {printable(odd[0], LONGEST_NAME)}")
            for name, value in own.items():
                shape = tuple(file.get_slice(name).get_shape())
                if shape != tuple(value.shape):
                    raise UsageError(f"{shown}: {name} is {shape}; this model has {tuple(value.shape)}")
            model.load_state_dict({name: file.get_tensor(name) for name in own})
    except OSError as error:
        raise UsageError(f"{shown}: {error.strerror or error}") from None
    except safetensors.SafetensorError as error:
        raise UsageError(printable(f"{shown}: no safetensors file ({error})")) from None


def load_heads(heads: nn.ModuleDict, weights: Path) -> bool:
    """Put the tensors of auxiliary heads into these; false where the file has none of them.

    Raises:
        UsageError: it holds other heads, or heads of another size.
    """
    with safetensors.safe_open(weights, framework="pt") as file:
        found = {name: file.get_tensor(name) for name in file.keys() if name.startswith(HEADS)}  # noqa: SIM118
    try:
        heads.load_state_dict({name.removeprefix(HEADS): value for name, value in found.items()})
    except RuntimeError:
        if not found:
            return False
        raise UsageError(f"{printable(str(weights), LONGEST_NAME)}: not the auxiliary heads of this model") from None
    return True


def stored_models(folder: Path, key: str = "*") -> list[Path]:
    """The files of weights with a card in a folder, sorted by name: all, or that of a key."""
    return [path for path in sorted(folder.glob(f"{key}{WEIGHTS}")) if path.with_suffix(CARD).is_file()]


def find_models(path: Path) -> list[Path]:
    """The files of weights that are meant by a file, by a run folder and the start of a key (``RUN/0f71``), or by a
    folder of models.

    Raises:
        UsageError: there is none.
    """
    shown = without_home(printable(str(path), LONGEST_NAME))
    if path.is_file():
        if path.suffix not in (WEIGHTS, CARD):
            raise UsageError(f"{shown}: no stored model; expected a file that ends in {WEIGHTS} or {CARD}")
        return [path.with_suffix(WEIGHTS)]
    folder, key = (path, "*") if path.is_dir() else (path.parent, f"{glob.escape(path.name)}*")
    found = stored_models(folder, key) or stored_models(folder / FOLDER, key)
    if not found:
        below = sorted({str(file.parent) for file in path.rglob(f"*{WEIGHTS}")}) if path.is_dir() else []
        there = f"{without_home(printable(below[0], LONGEST_NAME))} holds some: name that folder" if below else ""
        raise UsageError(f"{shown}: no stored model; {there or 'bench run --save best keeps them'}")
    return found


def find_model(path: Path) -> Path:
    """The only one of :func:`find_models`.

    Raises:
        UsageError: there is none, or more than one.
    """
    found = find_models(path)
    if len(found) > 1:
        shown, folder = (without_home(printable(str(one), LONGEST_NAME)) for one in (path, found[0].parent))
        raise UsageError(f"{shown}: {len(found)} stored models; name one: bench list models {folder}")
    return found[0]


def remove(weights: Path) -> None:
    """Remove a stored model; the card first, so that what is left vouches for nothing."""
    for file in (weights.with_suffix(CARD), weights):
        with suppress(OSError):
            file.unlink()


def _metadata(model: PairModel) -> dict[str, str] | None:
    """What whoever starts from the backbone alone has to know of it."""
    backbone = model.backbone
    return {STATED: json.dumps(asdict(backbone.preparation))} if backbone else None


def _state(model: nn.Module) -> dict[str, Tensor]:
    return dict(model.state_dict())
