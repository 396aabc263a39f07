"""The files of a warm-up in the cache: its weights, and a card that appears last and vouches for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, ValidationError
from torch import nn

from bench.atomic import write_bytes_atomically, write_text_atomically
from bench.digest import file_sha256
from bench.errors import DivergedError
from bench.kept import DamagedError

# State dicts beside the card, by what they are of.
WEIGHTS = {"backbone": ".pt", "head": ".head.pt"}


class Card(BaseModel):
    """What is known of a trained warm-up; what it depends on and how it was judged stand beside it.

    Attributes:
        quality, measured, seconds, images: as those of ``Warmup``.
        sha256: of the weights of ``backbone`` and ``head``.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="allow", allow_inf_nan=False)

    quality: float
    measured: dict[str, float]
    seconds: NonNegativeFloat
    images: NonNegativeInt
    sha256: dict[str, str]


def read(path: Path, identity: Mapping[str, Any]) -> Card | None:
    """The card at ``path``; None where there is none. Files that have not changed are hashed once in a process.

    Raises:
        DamagedError: it is none, belongs to a warm-up of another ``identity``, or other weights lie beside it.
    """
    try:
        if not path.is_file():
            return None
        card = Card.model_validate_json(path.read_bytes())
        found = {name: (card.model_extra or {}).get(name) for name in identity}
        if json.dumps(found, sort_keys=True) != json.dumps(identity, sort_keys=True):
            raise DamagedError(f"{path}: the card of another warm-up")
        for part, suffix in WEIGHTS.items():
            weights = path.with_suffix(suffix)
            if not weights.is_file():
                raise DamagedError(f"{weights}: missing")
            if file_sha256(weights) != card.sha256.get(part):
                raise DamagedError(f"{weights}: not the weights of which {path.name} has the SHA-256")
    except ValidationError as error:
        raise DamagedError(f"{path}: {_problem(error)}") from None
    except OSError as error:
        raise DamagedError(f"{error.filename or path}: {error.strerror or error}") from None
    return card


def write(path: Path, identity: Mapping[str, Any], facts: Mapping[str, Any], parts: Mapping[str, nn.Module]) -> Card:
    """Write the weights of ``parts``, and then the card; what fails leaves none of them behind.

    Raises:
        DivergedError: a weight is not a number.
        StorageError: the disk is full, or the folder cannot be written to.
    """
    weights = {path.with_suffix(suffix): _serialised(parts[part]) for part, suffix in WEIGHTS.items()}
    digests = {part: hashlib.sha256(weights[path.with_suffix(suffix)]).hexdigest() for part, suffix in WEIGHTS.items()}
    text = json.dumps({**identity, **facts, "sha256": digests}, indent=2)
    card = Card.model_validate_json(text)
    try:
        for file, content in weights.items():
            write_bytes_atomically(file, content)
        write_text_atomically(path, text)
    except BaseException:
        for file in weights:
            with suppress(OSError):
                file.unlink(missing_ok=True)
        raise
    return card


def _problem(error: ValidationError) -> str:
    """The first problem of a card, without what the file holds."""
    problems = error.errors(include_input=False, include_url=False)
    if any((problem["loc"], problem["type"]) == (("sha256",), "missing") for problem in problems):
        return "written by an earlier version, which kept no SHA-256 of weights"
    field = ".".join(map(str, problems[0]["loc"]))
    return f"{field}: {problems[0]['msg']}" if field else problems[0]["msg"]


def _serialised(module: nn.Module) -> bytes:
    state = module.state_dict()
    for name, value in state.items():
        if value.isnan().any():
            raise DivergedError(f"the warm-up ended with {name} not a number")
    # Not into the file: on a full disk the writer of torch tells neither path nor cause.
    buffer = BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()
