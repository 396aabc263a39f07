"""What backbones, warm-ups and objectives must do."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bench.backbones import Backbone
from bench.backbones.contract import MIN_MAP
from bench.backbones.contract import build as build_backbone
from bench.conformance.cases import CheckFailedError
from bench.domain import build_domain
from bench.errors import NotApplicableError
from bench.model import IMAGE
from bench.registry import Choice
from bench.training.objectives import Batch, Space, Term
from bench.training.warmup import Start, WarmupTask, build_task, named_examples

IMAGES = 16
TOLERANCE = 1e-4
# The built-in domain whose images have a mask, and a backbone that is quick.
SHOWN, BACKBONE = "color", "mobilenetv3_small_32"
DIM, CLASSES = 8, 3


def backbone(choice: Choice[Backbone]) -> Backbone:
    """The backbone, with initial weights from seed 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_backbone(choice.cls, IMAGE)


def _random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _images() -> Tensor:
    return _random(IMAGES, IMAGE.channels, IMAGE.height, IMAGE.width)


def map_size(built: Backbone) -> None:
    """The ``map`` has 4x4 positions or more and the shape that ``spec`` states."""
    with torch.no_grad():
        found = tuple(built.eval().read(_images()[:2], "map").shape[1:])
    stated = built.spec.map
    if found != (stated.channels, stated.height, stated.width) or min(found[1:]) < MIN_MAP:
        raise CheckFailedError(f"the map is {found}; expected what spec.map states, {MIN_MAP}x{MIN_MAP} or more")


def both_signs(built: Backbone) -> None:
    """Every dimension of the embedding takes both signs: it ends in no ReLU and no Sigmoid."""
    with torch.no_grad():
        embedding = built.train().read(_images(), "embedding")
    if embedding.shape != (IMAGES, built.spec.dim):
        raise CheckFailedError(f"the embedding is {tuple(embedding.shape)}, expected {(IMAGES, built.spec.dim)}")
    if not bool(((embedding > 0).any(0) & (embedding < 0).any(0)).all()):
        raise CheckFailedError(
            "dimensions of the embedding have one sign for all images, so that all cosines are near 1: end it without "
            "ReLU or Sigmoid, as bench.backbones.contract.Embedding does"
        )


def one_pass(built: Backbone) -> None:
    """In evaluation mode, one pass over two images gives what two passes give."""
    first, second = _images()[:2].split(1)
    for reads in ("map", "tokens", "embedding"):
        with torch.no_grad():
            together = built.eval().read(torch.cat([first, second]), reads)
            alone = torch.cat([built.read(first, reads), built.read(second, reads)])
        if not torch.allclose(together, alone, rtol=TOLERANCE, atol=TOLERANCE * float(alone.abs().max())):
            raise CheckFailedError(f"the {reads} of an image depends on the others in its batch")


def warmup(choice: Choice[Start]) -> WarmupTask:
    """The task on a small backbone.

    Raises:
        NotApplicableError: a warm-up that this program does not compute.
    """
    if not issubclass(choice.cls, WarmupTask):
        raise NotApplicableError("its weights are not computed here")
    return build_task(choice, BACKBONE, build_domain(SHOWN))


def examples(task: WarmupTask) -> None:
    """What is shown and asked depends on seed and number of an image alone."""
    domain = build_domain(SHOWN)
    _, *whole = named_examples(task, domain, "warmup", 0, IMAGES)
    _, *part = named_examples(task, domain, "warmup", 0, 5, 7)
    if whole[0].dtype != torch.uint8:
        raise CheckFailedError(f"the images shown are {whole[0].dtype}, expected torch.uint8")
    for what, rows, of in zip(("images shown", "targets"), part, whole, strict=True):
        if not torch.equal(rows, of[7:12]):
            raise CheckFailedError(
                f"the {what} change with the other images of the draw: all that is random must come from u"
            )


def measured(task: WarmupTask) -> None:
    """Loss and gradient are finite, and ``assess`` returns the ``measure``."""
    _, shown, target = named_examples(task, build_domain(SHOWN), "warmup", 0, IMAGES)
    outputs = task.train()(shown)
    _check_loss(task.loss(outputs, target), [p for p in task.parameters() if p.requires_grad])
    found = task.assess(outputs.detach(), target)
    if task.measure.name not in found:
        raise CheckFailedError(f"assess returns {', '.join(found) or 'nothing'} and not {task.measure.name!r}")


def objective(choice: Choice[Term]) -> Term:
    """The term, for a few classes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return choice.build(Space(DIM, CLASSES))


def finite_loss(term: Term) -> None:
    """The loss of random, of equal and of all-zero encodings is one finite number, and so is its gradient."""
    label, classes = torch.arange(IMAGES) % 2, torch.arange(IMAGES) % CLASSES
    for size in (1.0, 0.0):
        for u, v in ((_random(2, IMAGES, DIM) * size), _random(1, IMAGES, DIM).expand(2, -1, -1) * size):
            leaves = [side.clone().requires_grad_() for side in (u.sum(1), u, v)]
            scores, left, right = leaves
            _check_loss(term.of(Batch(scores, label, left, right, left, classes)), leaves)


def _check_loss(loss: Any, leaves: list[Tensor]) -> None:
    if not isinstance(loss, Tensor) or loss.ndim:
        raise CheckFailedError("the loss is not a tensor of one number: average it over the batch")
    loss.backward()
    if not torch.isfinite(loss) or not all(torch.isfinite(x.grad).all() for x in leaves if x.grad is not None):
        raise CheckFailedError("loss or gradient is not finite: guard roots, divisions and logarithms by an epsilon")
    if not any(x.grad is not None for x in leaves):
        raise CheckFailedError("the loss has no gradient: it was cut off by detach(), .data or no_grad()")
