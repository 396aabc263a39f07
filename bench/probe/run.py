"""Runs a probe: images, encodings, classifiers, retrieval."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.domain import DOMAINS
from bench.errors import UsageError
from bench.probe.config import ProbeConfig
from bench.probe.contract import CLASSIFIERS, Classifier
from bench.probe.measures import Array, Balanced, Index, Share, confusion, top_hits
from bench.probe.open_set import Vectors, cluster, directions, retrieve
from bench.probe.result import HEAD, Open, Result, Row, Shown
from bench.probe.search import Fitted, fit, searched
from bench.probe.shown import Part, bank_images, own_images
from bench.probe.source import Encoder, of_model, of_warmup
from bench.registry import Choice
from bench.sweep.eval_domains import check_eval, eval_domains
from bench.sweep.provenance import versions
from bench.training.warmup import WARMUPS, WarmupSpec

Say = Callable[[str], None]
VAL = "val"


@dataclass(frozen=True)
class Encoded:
    """A part with its encodings (N, D).

    Attributes:
        label: (N,) number of each class among those that training shows, -1 for a new one.
    """

    part: Part
    vectors: Vectors
    label: Index

    @cached_property
    def known(self) -> Encoded:
        """Its images of classes that training shows."""
        return self._of(self.label >= 0)

    @cached_property
    def new(self) -> Encoded:
        """The others."""
        return self._of(self.label < 0)

    @cached_property
    def balanced(self) -> Balanced:
        """Balanced means over its images."""
        return Balanced(self.label, self.part.groups)

    def _of(self, rows: NDArray[np.bool_]) -> Encoded:
        return Encoded(self.part.of(rows), self.vectors[rows], self.label[rows])


def run_probe(config: ProbeConfig, say: Say) -> Result:
    """Probe what a configuration names.

    No classifier answers for a test before the parameters of all of them stand.

    Raises:
        UsageError: there is no such model, warm-up, domain or classifier, or they do not fit each other.
    """
    started = time.perf_counter()
    chosen = CLASSIFIERS.resolve(config.classifier)
    encoder, domain = _encoder(config, say)
    warmed_up = time.perf_counter()
    parts = _parts(config, domain)
    classes = _classes(parts, config)
    say(f"encoding {sum(map(len, parts)):,} images with {encoder.name}")
    encoded = [_encode(encoder, part, classes) for part in parts]
    ready = time.perf_counter()
    fitted = [_fitted(config, choice, encoded, say) for choice in chosen]
    answers = [(str(one.choice), one.scores) for one in fitted]
    known = [part.known for part in encoded if len(part.known.label)]
    rows = [row for part in known for row in _rows(part, encoder, answers, config, classes)]
    classified = time.perf_counter()
    opened = [found for part in encoded[1:] for found in _open(part, encoded[0].vectors.mean(0), config.seed)]
    done = time.perf_counter()
    return Result(
        source=encoder.name,
        domain=domain,
        backbone=encoder.backbone,
        reads=encoder.reads,
        dim=encoded[0].vectors.shape[1],
        select=config.select,
        identity={**encoder.identity, "config": config.model_dump(mode="json"), "versions": versions()},
        classes=classes,
        shown=list(_shown(encoded)),
        rows=rows,
        open=opened,
        chosen=_best(rows, config.select),
        trials={str(one.choice): one.trials for one in fitted if one.trials},
        seconds={
            "encoder": warmed_up - started,
            "images": ready - warmed_up,
            "classifiers": classified - ready,
            "retrieval": done - classified,
        },
    )


def _encoder(config: ProbeConfig, say: Say) -> tuple[Encoder, str]:
    """The encoder, and the domain that it is probed with."""
    if _is_model(config.source):
        if config.reads != "auto":
            raise UsageError(f"--reads {config.reads}: a stored model is read where its fusion joins; leave it out")
        for name in ("backbone", "warmup_recipe", "warmup_seed"):
            if name in config.model_fields_set:
                option = f"--{name.replace('_', '-')}"
                raise UsageError(f"{option}: is one of warm-ups, and {config.source} is a stored model; leave it out")
        encoder = of_model(Path(config.source), say)
        return encoder, str(DOMAINS.settle(config.domain or encoder.domain))
    if config.domain is None:
        raise UsageError(f"{config.source}: a warm-up is probed with a domain: --domain NAME")
    domain = str(DOMAINS.settle(config.domain))
    spec = WarmupSpec.declared(config.source, config.backbone, domain, config.warmup_recipe, config.warmup_seed)
    return of_warmup(spec, domain, None if config.reads == "auto" else config.reads, say), domain


def _is_model(source: str) -> bool:
    """Whether a text names a file or folder, and no warm-up: those have names without slashes and suffixes."""
    path = Path(source)
    return source not in WARMUPS and ":" not in source and (path.exists() or len(path.parts) > 1 or bool(path.suffix))


def _parts(config: ProbeConfig, domain: str) -> list[Part]:
    trained = DOMAINS.settle(domain)
    check_eval([trained], config.eval)
    tested = [str(other) for other in eval_domains(trained, config.eval)]
    gather = own_images if config.images == "own" else bank_images
    return gather(domain, tested, config.seed, config.train_images, config.test_images)


def _classes(parts: Sequence[Part], config: ProbeConfig) -> list[str]:
    """The classes that training shows, sorted."""
    classes = sorted(set(parts[0].names.tolist()))
    if len(classes) < 2:
        raise UsageError(f"--train-images {config.train_images}: they show one class alone; expected two or more")
    if config.tune and not np.isin(parts[1].names, classes).any():
        raise UsageError("--tune: no validation image shows a class of training, so that nothing can be chosen by them")
    return classes


def _encode(encoder: Encoder, part: Part, classes: Sequence[str]) -> Encoded:
    number = {name: at for at, name in enumerate(classes)}
    label = np.array([number.get(name, -1) for name in part.names.tolist()], np.int64)
    return Encoded(part, encoder.vectors(part.pixels), label)


def _fitted(config: ProbeConfig, choice: Choice[Classifier], encoded: Sequence[Encoded], say: Say) -> Fitted:
    train, val = encoded[0], encoded[1].known

    def fit_one(own: Choice[Classifier]) -> Fitted:
        return fit(own, train.vectors, train.label, config.seed, config.threads)

    def judge(own: Fitted) -> float:
        return _balanced(val, own.scores(val.vectors), config.select).value

    say(f"{choice}: {f'{config.trials} settings on ' if config.tune else ''}{len(train.label):,} images")
    return searched(choice, fit_one, judge, config.trials, config.seed) if config.tune else fit_one(choice)


def _balanced(part: Encoded, scores: Array, select: str) -> Share:
    return part.balanced.share(top_hits(scores, part.label, int(select.removeprefix("top"))))


def _rows(
    part: Encoded,
    encoder: Encoder,
    answers: Sequence[tuple[str, Callable[[Vectors], Array]]],
    config: ProbeConfig,
    classes: Sequence[str],
) -> Iterator[Row]:
    """A row for the network's own head, where it names these classes, and for each classifier."""
    scores = {name: score(part.vectors) for name, score in answers}
    if encoder.head and set(classes) <= set(encoder.head.classes):
        columns = [encoder.head.classes.index(name) for name in classes]
        scores = {HEAD: encoder.head.logits(part.part.pixels).double().numpy()[:, columns], **scores}
    for name, own in scores.items():
        hits = {f"top{k}": top_hits(own, part.label, k) for k in (1, 2)}
        lead = None
        if HEAD in scores and name != HEAD:
            k = int(config.select.removeprefix("top"))
            lead = part.balanced.share(hits[config.select] - top_hits(scores[HEAD], part.label, k))
        yield Row(
            name,
            part.part.name,
            len(part.label),
            len(np.unique(part.label)),
            float(hits["top1"].mean()),
            part.balanced.share(hits["top1"]),
            part.balanced.share(hits["top2"]),
            lead,
            confusion(own.argmax(1), part.label, len(classes)),
        )


def _open(part: Encoded, centre: Vectors, seed: int) -> Iterator[Open]:
    for kind, own in (("seen", part.known), ("new", part.new)):
        if len(own.label) < 2:
            continue
        directed = directions(own.vectors, centre)
        names = np.unique(own.part.names, return_inverse=True)[1]
        found = retrieve(directed, names, own.part.groups)
        if found:
            yield Open(part.part.name, kind, found, cluster(directed, names, seed))


def _shown(encoded: Sequence[Encoded]) -> Iterator[Shown]:
    trained = encoded[0].part.groups
    for one in encoded:
        groups, names = one.part.groups, one.part.names
        known = None if groups is None else len(np.unique(groups))
        shared = None if groups is None or trained is None else len(np.intersect1d(groups, trained))
        yield Shown(one.part.name, len(names), len(one.new.label), len(np.unique(names)), known, shared)


def _best(rows: Sequence[Row], select: str) -> str:
    """The classifier of the highest validation; the network's own head is none."""
    judged = [row for row in rows if row.part == VAL and row.classifier != HEAD]
    return max(judged, key=lambda row: getattr(row, select).value).classifier if judged else ""
