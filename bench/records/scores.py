"""Scores of pairs, read again: a file of arrays for each cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import UsageError, in_a_line


def read_scores(file: Path) -> Mapping[str, NDArray[Any]]:
    """The arrays of a file of ``scores/`` by their names.

    Raises:
        UsageError: it is damaged.
    """
    try:
        with np.load(file) as stored:
            return {name: stored[name] for name in stored.files}
    # Over damaged bytes numpy, zipfile and zlib raise a dozen kinds of errors.
    except Exception as error:
        raise UsageError(f"{file}: scores that cannot be read ({in_a_line(error)})") from None
