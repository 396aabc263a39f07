"""A probe as Markdown: what was shown, how well classes are named, which are confused, how new ones are found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from bench.markup import align, code, markdown_line
from bench.probe.measures import Index, Share
from bench.probe.result import HEAD, Open, Result, Row
from bench.stats.intervals import LEVEL
from bench.text import MISSING, count_of

MOST_CONFUSED = 8
INTERVAL = f"{100 * LEVEL:.0f} %"


def render(result: Result) -> str:
    """The tables that are printed."""
    blocks = [f"# Probe: {code(result.source)} on {code(result.domain)}", *_caption(result), *_shown(result)]
    if result.rows:
        blocks += ["## Classes of training", _rows(result), *_confused(result)]
    if result.open:
        blocks += ["## Retrieval", *_open(result.open)]
    return "\n\n".join(blocks) + "\n"


def classification(result: Result) -> str:
    """Precision, recall and F1 of every class in every part that training does not show."""
    blocks = []
    for row in result.rows:
        if row.part != "train":
            blocks += [f"## {code(row.classifier)} on {code(row.part)}", _report(row, result.classes)]
    return "\n\n".join(["# Classification reports", *blocks]) + "\n"


def per_class(confusion: Index) -> Iterator[tuple[float, float, float, int]]:
    """Precision, recall, F1 and images of each class from counts (K, K); nan where there is nothing to divide by."""
    hits, true, told = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    for hit, images, said in zip(hits.tolist(), true.tolist(), told.tolist(), strict=True):
        yield _ratio(hit, said), _ratio(hit, images), _ratio(2 * hit, said + images), images


def confusions(row: Row, classes: Sequence[str]) -> list[tuple[str, str, float, int]]:
    """True class, the class that it was taken for, which share of its images, and how many; the largest first."""
    images = row.confusion.sum(1)
    off = row.confusion - np.diag(np.diag(row.confusion))
    found = [
        (classes[true], classes[told], off[true, told] / images[true], int(off[true, told]))
        for true, told in np.argwhere(off).tolist()
    ]
    return sorted(found, key=lambda one: (-one[2], one[:2]))


def _caption(result: Result) -> Iterator[str]:
    cost = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in result.seconds.items())
    yield markdown_line(f"{result.backbone}, frozen; encodings: {result.reads}, {result.dim} numbers. Cost: {cost}.")
    lines = ["All shares are class-balanced but accuracy, which is plain."]
    grouped = any(one.groups is not None for one in result.shown)
    drawn = "whole groups" if grouped else "images"
    lines.append(f"Intervals of {INTERVAL} are bootstraps over {drawn}; they leave out how another training would end.")
    if result.trials:
        tried = count_of(len(next(iter(result.trials.values()))), "setting")
        lines.append(f"Parameters: the best of {tried} by {result.select} on val, whose rows are therefore optimistic.")
    if result.chosen:
        lines.append(f"Best on val: `{result.chosen}`.")
    yield "\n".join(lines)


def _shown(result: Result) -> Iterator[str]:
    header = ["part", "images", "of new classes", "classes", "groups", "groups of training"]
    body = []
    for one in result.shown:
        counts = (one.images, one.new, one.classes, one.groups, one.shared)
        body.append([code(one.part), *map(_count, counts)])
    yield align(header, body, 1)


def _rows(result: Result) -> str:
    lead = any(row.lead for row in result.rows)
    header = ["classifier", "part", "images", "accuracy", "top-1", INTERVAL, "top-2", INTERVAL, "chance of top-1"]
    header += [f"{result.select} over {HEAD}", INTERVAL] if lead else []
    chance = 1 / len(result.classes)
    body = []
    for row in result.rows:
        cells = [code(row.classifier), code(row.part), f"{row.images:,}", f"{row.accuracy:.3f}"]
        cells += [*_share(row.top1), *_share(row.top2), f"{chance:.3f}"]
        if lead:
            cells += _share(row.lead, "+") if row.lead else ["", ""]
        body.append(cells)
    return align(header, body, 2)


def _confused(result: Result) -> Iterator[str]:
    rows = [row for row in result.rows if row.classifier == result.chosen and row.part == "test"]
    for row in rows:
        worst = confusions(row, result.classes)[:MOST_CONFUSED]
        if worst:
            yield f"Most often confused by `{row.classifier}` on test:"
            yield align(
                ["class", "taken for", "share", "images"],
                [[code(true), code(told), f"{share:.2f}", str(images)] for true, told, share, images in worst],
                2,
            )


def _open(found: Sequence[Open]) -> Iterator[str]:
    yield (
        "Each image searches all others of its row by cosine, centred on the mean of training; others of its own group "
        "are left out where groups are known. Silhouette: of the true classes; of k-means the best number of clusters."
    )
    header = ["part", "classes", "queries", "of classes", "recall@1", INTERVAL, "recall@5", "mAP", "chance"]
    header += ["silhouette", "best k (silhouette)", "agreement"]
    body = []
    for one in found:
        own = one.retrieval
        cells = [code(one.part), one.kind, f"{own.queries:,}", str(own.classes), *_share(own.recall1)]
        cells += [_share(own.recall5)[0], _share(own.average_precision)[0], f"{own.chance:.3f}"]
        if one.clusters:
            best = one.clusters.best_k
            cells += [f"{one.clusters.silhouette:.3f}", f"{best} ({one.clusters.by_k[best]:.3f})"]
            cells.append(f"{one.clusters.agreement:.3f}")
        else:
            cells += [MISSING] * 3
        body.append(cells)
    yield align(header, body, 2)


def _report(row: Row, classes: Sequence[str]) -> str:
    body = [
        [code(name), _number(precision), _number(recall), _number(f1), str(images)]
        for name, (precision, recall, f1, images) in zip(classes, per_class(row.confusion), strict=True)
    ]
    return align(["class", "precision", "recall", "F1", "images"], body, 1)


def _share(share: Share, sign: str = "") -> list[str]:
    """A value and its interval."""
    if math.isnan(share.low):
        return [f"{share.value:{sign}.3f}", MISSING]
    return [f"{share.value:{sign}.3f}", f"{share.low:{sign}.3f} to {share.high:{sign}.3f}"]


def _number(value: float) -> str:
    return MISSING if math.isnan(value) else f"{value:.3f}"


def _count(value: int | None) -> str:
    return MISSING if value is None else f"{value:,}"


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
