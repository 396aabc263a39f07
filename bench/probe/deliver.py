"""The files of a probe: tables, all numbers as JSON, pictures."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.atomic import write_text_atomically
from bench.lettering import names_as_they_are
from bench.markup import csv_text, json_text
from bench.plots.gallery import save
from bench.probe.measures import Share
from bench.probe.picture import pictures
from bench.probe.result import Open, Result, Row
from bench.probe.table import classification, per_class, render

SCHEMA = 1


def deliver(result: Result, folder: Path) -> list[Path]:
    """Write all files of a probe, and return them.

    Raises:
        StorageError: the disk is full, or the folder cannot be written to.
    """
    texts = {
        "probe.md": render(result),
        "classes.md": classification(result),
        "accuracy.csv": _csv(_accuracy(result)),
        "confusion.csv": _csv(_confusion(result)),
        "probe.json": json_text(as_json(result)),
    }
    for name, text in texts.items():
        write_text_atomically(folder / name, text)
    return [*(folder / name for name in texts), *_draw(result, folder)]


def _draw(result: Result, folder: Path) -> Iterator[Path]:
    with names_as_they_are():
        for name, figure in pictures(result):
            save(figure, file := folder / f"{name}.png")
            yield file


def as_json(result: Result) -> dict[str, Any]:
    """All numbers; what is not known is null."""
    return {
        "schema": SCHEMA,
        "source": result.source,
        "domain": result.domain,
        "backbone": result.backbone,
        "reads": result.reads,
        "dim": result.dim,
        "chosen": result.chosen or None,
        "select": result.select,
        "classes": list(result.classes),
        "parts": [vars(one) for one in result.shown],
        "rows": [_row(row, result.classes) for row in result.rows],
        "retrieval": [_open(one) for one in result.open],
        "trials": {name: [vars(one) for one in trials] for name, trials in result.trials.items()},
        "seconds": dict(result.seconds),
        **result.identity,
    }


def _row(row: Row, classes: Sequence[str]) -> dict[str, Any]:
    named = zip(classes, per_class(row.confusion), strict=True)
    return {
        "classifier": row.classifier,
        "part": row.part,
        "images": row.images,
        "classes": row.classes,
        "accuracy": row.accuracy,
        "top1": _share(row.top1),
        "top2": _share(row.top2),
        "lead": _share(row.lead) if row.lead else None,
        "per_class": {
            name: {"precision": _known(precision), "recall": _known(recall), "f1": _known(f1), "images": images}
            for name, (precision, recall, f1, images) in named
        },
        "confusion": row.confusion.tolist(),
    }


def _open(one: Open) -> dict[str, Any]:
    own, clustered = one.retrieval, one.clusters
    return {
        "part": one.part,
        "kind": one.kind,
        "queries": own.queries,
        "classes": own.classes,
        "recall1": _share(own.recall1),
        "recall5": _share(own.recall5),
        "average_precision": _share(own.average_precision),
        "chance": own.chance,
        "silhouette": clustered.silhouette if clustered else None,
        "silhouette_by_k": {str(k): value for k, value in clustered.by_k.items()} if clustered else None,
        "agreement": clustered.agreement if clustered else None,
    }


def _share(share: Share) -> dict[str, float | None]:
    return {"value": share.value, "low": _known(share.low), "high": _known(share.high)}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _accuracy(result: Result) -> Iterator[Sequence[str]]:
    yield (
        "classifier",
        "part",
        "images",
        "classes",
        "accuracy",
        "top1",
        "top1_low",
        "top1_high",
        *(f"top2{end}" for end in ("", "_low", "_high")),
    )
    for row in result.rows:
        numbers = (row.accuracy, *vars(row.top1).values(), *vars(row.top2).values())
        counts = str(row.images), str(row.classes)
        yield row.classifier, row.part, *counts, *("" if math.isnan(one) else f"{one:.6f}" for one in numbers)


def _confusion(result: Result) -> Iterator[Sequence[str]]:
    yield "classifier", "part", "class", "taken_for", "images"
    for row in result.rows:
        for true, told in zip(*row.confusion.nonzero(), strict=True):
            pair = result.classes[true], result.classes[told]
            yield row.classifier, row.part, *pair, str(row.confusion[true, told])


def _csv(rows: Iterator[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([csv_text(cell) for cell in row] for row in rows)
    return text.getvalue()
