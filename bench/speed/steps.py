"""What one call of each mode is, made ready on its device."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.errors import NotApplicableError
from bench.fusion import FUSIONS
from bench.model import IMAGE, PairModel, build_model
from bench.speed.rows import Row
from bench.sweep.execution import MEMORY_FORMATS
from bench.training.loop import fit
from bench.training.pairs import learner_of
from bench.training.recipe import declared_recipe

# More than are ever made: the learning rate then hardly leaves 0, and the weights stay as they are.
STEPS = 10**6
Beats = Iterable[None]


@dataclass(frozen=True)
class Work:
    """Calls to make: ``run`` makes one for every beat, each of them for ``pairs`` pairs."""

    run: Callable[[Beats], None]
    pairs: int


def build(row: Row) -> PairModel:
    """The model of a row on the CPU.

    Raises:
        NotApplicableError: the fusion cannot join what the backbone hands over, or takes no images.
    """
    model = build_model(FUSIONS.settle(row.fusion), row.backbone)
    if model.fusion.sees == "likelihoods":
        raise NotApplicableError("it is given likelihoods, no images")
    return model.lay_out(MEMORY_FORMATS[row.memory_format]).compute_in(getattr(torch, row.dtype))


def prepare(row: Row, batch: int) -> Work:
    """Model and inputs of a row on its device; the pixels are noise.

    Raises:
        NotApplicableError: the mode makes no sense for the model; the message says why.
    """
    model = build(row).to(row.device)
    generator = torch.Generator().manual_seed(0)
    shape = batch, IMAGE.channels, IMAGE.height, IMAGE.width
    a, b = (torch.randint(256, shape, dtype=torch.uint8, generator=generator).to(row.device) for _ in range(2))
    if row.mode == "train":
        return Work(_training(row, model, a, b), batch)
    with torch.inference_mode(), model.casting():
        step = {"infer": _inference, "head": _head, "cached": _cached}[row.mode](model.eval(), a, b)

    def run(beats: Beats) -> None:
        with torch.inference_mode(), model.casting():
            for _ in beats:
                step()

    return Work(run, batch**2 if row.mode == "cached" else batch)


def _inference(model: PairModel, a: Tensor, b: Tensor) -> Callable[[], Tensor]:
    return lambda: model(a, b)


def _head(model: PairModel, a: Tensor, b: Tensor) -> Callable[[], Tensor]:
    if model.runs_after_join:
        raise NotApplicableError("layers of the backbone run after the join")
    joined: list[tuple[Tensor, Tensor]] = []
    hook = model.fusion.register_forward_pre_hook(lambda fusion, streams: joined.append(streams))
    model(a, b)
    hook.remove()
    # A symmetrized model joins both orders, and would double them again.
    first, second = (stream[: len(a)] for stream in joined[0])
    return lambda: model.join(first, second)


def _cached(model: PairModel, a: Tensor, b: Tensor) -> Callable[[], Tensor]:
    """Every image of A with every image of B."""
    u, v = model.encode(a), model.encode(b)
    n = len(u)
    return lambda: model.compare(u.repeat_interleave(n, 0), v.repeat(n, *[1] * (v.ndim - 1)))


def _training(row: Row, model: PairModel, a: Tensor, b: Tensor) -> Callable[[Beats], None]:
    """The training loop of a sweep under the declared recipe, without auxiliary heads, over one batch."""
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise NotApplicableError("nothing in it is trained")
    recipe = declared_recipe(row.backbone, "finetune", {})
    classes = torch.arange(len(a)) % 2
    learner = learner_of(model)(model, recipe, a, b, classes, classes.flip(0))
    index = torch.arange(len(a))

    def run(beats: Beats) -> None:
        try:
            fit(learner, recipe, (index for _ in beats), STEPS)
        except ValueError as error:
            if "more than 1 value per channel" in str(error):
                raise NotApplicableError("BatchNorm cannot train on a single example") from error
            raise

    return run
