"""What ``bench predict`` says: a row for each pair of files, as a table, CSV or JSON."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from bench.errors import UsageError
from bench.markup import csv_text, json_text
from bench.models.images import images_of, list_images
from bench.models.matches import best_matches
from bench.models.pair_list import read_pair_list
from bench.models.restore import Predicted, StoredModel
from bench.text import count_of, printable

Say = Callable[[str], None]
COLUMNS = ("a", "b", "score", "probability", "decision")


@dataclass(frozen=True, eq=False)
class Predictions:
    """Files A and B of N pairs, as they were named, and what a model says of them.

    Attributes:
        label: (N,) int64, 1 for same, where it is known.
    """

    a: Sequence[str]
    b: Sequence[str]
    predicted: Predicted
    label: NDArray[np.int64] | None = None

    @property
    def accuracy(self) -> float | None:
        """Share of the pairs whose label it says; None where that is not known."""
        return None if self.label is None else float((self.predicted.same == self.label).mean())

    def rows(self) -> list[dict[str, str | float]]:
        """A row for each pair, by column."""
        scores = map(float, self.predicted.scores.astype(str))  # as short as float32 can be written
        chances = self.predicted.probabilities.round(6).tolist()
        told = (self.a, self.b, scores, chances, np.where(self.predicted.same, "same", "different").tolist())
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*told, strict=True)]
        labels = [] if self.label is None else self.label.tolist()
        return [row | {"label": label} for row, label in zip(rows, labels, strict=True)] if labels else rows


def predict_files(model: StoredModel, files: Sequence[str]) -> Predictions:
    """Of two image files, or of the pairs of a CSV file.

    Raises:
        UsageError: they are not that, or cannot be read.
    """
    if len(files) == 1 and files[0].lower().endswith(".csv"):
        return _listed(model, Path(files[0]))
    if any(map(os.path.isdir, files)):
        raise UsageError("a folder is compared by --against: bench predict MODEL IMAGE_OR_FOLDER --against FOLDER")
    if len(files) != 2:
        raise UsageError(f"{count_of(len(files), 'file')}; expected two images, a CSV file of pairs, or --against DIR")
    return Predictions([files[0]], [files[1]], model(*files))


def _listed(model: StoredModel, path: Path) -> Predictions:
    listed = read_pair_list(path)
    names = sorted({*listed.a, *listed.b})
    place = {name: number for number, name in enumerate(names)}
    pixels = images_of([listed.root / name for name in names], model.card.shape)
    a, b = ([place[name] for name in side] for side in (listed.a, listed.b))
    return Predictions(listed.a, listed.b, model.predicted(model.scores(pixels[a], pixels[b])), listed.label)


def predict_against(model: StoredModel, query: Path, folder: Path, top: int, say: Say) -> Predictions:
    """Of an image, or of each of a folder, with its ``top`` best matches in another folder, or in the same.

    Args:
        say: told in a line how many pairs are compared.

    Raises:
        UsageError: there is nothing to compare, or a file that is no image.
    """
    own = list_images(query)
    # One that is there under several names is one image.
    others = list({file.resolve(): file for file in reversed(list_images(folder))}.values())[::-1]
    known = {file.resolve(): number for number, file in enumerate(others)}
    places = [known.get(file.resolve()) for file in own]
    pairs = len(own) * len(others) - sum(place is not None for place in places)
    if not pairs:
        raise UsageError(f"{folder}: no image here but the one that is compared")
    how = "each image encoded once" if model.model.encodes_separately else "each pair through the whole model"
    say(f"{count_of(pairs, 'pair')}, {how}")
    found = best_matches(model, images_of(own, model.card.shape), images_of(others, model.card.shape), top, places)
    a, b = [str(own[number]) for number in found.a], [str(others[number]) for number in found.b]
    return Predictions(a, b, model.predicted(found.scores))


def as_csv(found: Predictions) -> str:
    """CSV with numbers as they are."""
    text, rows = io.StringIO(), found.rows()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([csv_text(cell) if isinstance(cell, str) else cell for cell in row.values()] for row in rows)
    return text.getvalue()


def as_json(found: Predictions) -> str:
    """A JSON list of objects."""
    return json_text(found.rows())


def as_table(found: Predictions) -> Table:
    """A table for a terminal."""
    rows = found.rows()
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in rows[0]:
        table.add_column(name, justify="right" if name in ("score", "probability") else "left", overflow="fold")
    for row in rows:
        same = row["decision"] == "same"
        shown = row | {"score": f"{row['score']:.3f}", "probability": f"{row['probability']:.3f}"}
        table.add_row(*(Text(printable(str(cell)), "bold" if same else "") for cell in shown.values()))
    return table


TEXTS: Mapping[str, Callable[[Predictions], str]] = {"csv": as_csv, "json": as_json}
