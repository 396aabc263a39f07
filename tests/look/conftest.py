"""Kept models to look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.look.subject import Subject
from bench.models.restore import restore


class Looked:
    """What a run kept: subjects by fusion, and their stored scores."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._subjects: dict[str, Subject] = {}

    def path(self, fusion: str) -> Path:
        """The file of weights of its first seed."""
        for card in sorted((self._run / "models").glob("*.json")):
            cell = json.loads(card.read_text())["cell"]
            if (cell["fusion"], cell["seed"]) == (fusion, 0):
                return card.with_suffix(".safetensors")
        raise AssertionError(fusion)

    def subject(self, fusion: str) -> Subject:
        """The model before the domain that it was trained on."""
        if fusion not in self._subjects:
            self._subjects[fusion] = Subject(restore(self.path(fusion)))
        return self._subjects[fusion]

    def stored(self, fusion: str) -> dict[str, Any]:
        """The arrays that the sweep wrote."""
        with np.load(self._run / "scores" / f"{self.path(fusion).stem}.npz") as file:
            return dict(file)


@pytest.fixture(scope="session")
def looked(kept: Path) -> Looked:
    return Looked(kept)
