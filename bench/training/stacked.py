"""Several learners of one architecture trained in one pass: the seeds of a fusion on frozen encodings.

Their weights are stacked, and every operation works on the whole stack (Horace He and Richard Zou, 2021, functorch). On
a device that waits longer for the launch of a small operation than for its result, a stack takes hardly longer than one
learner.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from bench.errors import DivergedError
from bench.training.curve import Point, Window
from bench.training.loop import Descent, History, Progress
from bench.training.pairs import PairLearner
from bench.training.recipe import Recipe

# Far above rounding in float32, far below what any mistake would leave.
TOLERANCE = 1e-4

State = dict[str, Tensor]
Losses = tuple[Tensor, Tensor, Tensor]


class CannotTrainTogetherError(Exception):
    """The learners have no batched form, or it gives something else than they do one by one."""


def fit_together(
    learners: Sequence[PairLearner],
    recipe: Recipe,
    orders: Sequence[Iterable[Tensor]],
    steps: int,
    on_progress: Progress = lambda share, history: None,
) -> list[History | DivergedError]:
    """Train every learner on the batches of indices of its own order, as :func:`bench.training.loop.fit` does.

    Args:
        learners: of one architecture.
        on_progress: called with the history of the first one that has not diverged.

    Returns:
        What each left behind, or how it diverged: the others go on. The time of each is an equal share.

    Raises:
        CannotTrainTogetherError: something else than pairs is trained, or the first batch shows that it cannot be; no
            weight has changed.
    """
    if any(type(learner) is not PairLearner or learner.auxiliary or learner.augment for learner in learners):
        raise CannotTrainTogetherError("names or auxiliary heads are trained, or images are augmented")
    with warnings.catch_warnings():
        # An operation without a batched form of its own falls back to a loop: slower, and no news to a user.
        warnings.filterwarnings("ignore", message="There is a performance drop")
        stack = _Stack(learners)
        ended = _descend(stack, len(learners), recipe, orders, steps, on_progress)
    stack.hand_back()
    return ended


def _descend(
    stack: _Stack,
    learners: int,
    recipe: Recipe,
    orders: Sequence[Iterable[Tensor]],
    steps: int,
    on_progress: Progress,
) -> list[History | DivergedError]:
    descent = Descent(stack.parameter_groups(), recipe, steps)
    ended: list[History | DivergedError] = [History() for _ in range(learners)]
    window, seconds, examples = Window.of(steps), 0.0, 0
    for step, indices in enumerate(zip(*orders, strict=True), start=1):
        if step == 1:
            stack.rehearse(indices)
        started = time.perf_counter()
        losses, predictions, labels = stack.losses(stack.pairs(indices), stack.buffers)
        norms = descent.step(losses.sum(), clip_each)
        window.add(losses.detach(), norms, (predictions == labels).float().mean(1))
        seconds += time.perf_counter() - started
        examples += len(indices[0])
        if window.full or step == steps:
            closing = time.perf_counter()
            points = window.close(step)
            seconds += time.perf_counter() - closing
            ended = [_extended(*pair, examples, seconds / learners) for pair in zip(ended, points, strict=True)]
            going = [history for history in ended if isinstance(history, History)]
            if not going:
                break
            on_progress(step / steps, going[0])
    return ended


def _extended(
    before: History | DivergedError, point: Point | DivergedError, examples: int, seconds: float
) -> History | DivergedError:
    """A history with one more point, or the first sign of divergence."""
    if isinstance(before, DivergedError):
        return before
    if isinstance(point, DivergedError):
        return point
    return History([*before.curve, (examples, *point)], seconds, examples)


def clip_each(parameters: list[nn.Parameter], max_norm: float) -> Tensor:
    """Limit the norm of the gradients of each learner of stacked ``parameters`` (L, ...); returns the norms (L,) before
    that, as :func:`torch.nn.utils.clip_grad_norm_` does for one learner."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    norms = torch.stack([gradient.reshape(len(gradient), -1).norm(dim=1) for gradient in gradients]).norm(dim=0)
    scale = (max_norm / (norms + 1e-6)).clamp(max=1)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *(1 for _ in gradient.shape[1:])))
    return norms


class _LossModule(nn.Module):
    """The loss of a learner as a module, so that its weights can be handed in."""

    def __init__(self, learner: PairLearner) -> None:
        super().__init__()
        self.module = learner.module
        self._learner = learner

    def forward(self, a: Tensor, b: Tensor, class_a: Tensor, class_b: Tensor) -> Losses:
        return self._learner.loss_of(a, b, class_a, class_b)


class _Stack:
    """Learners with their weights, buffers and pairs stacked, (L, ...), so that a step is one operation for all."""

    def __init__(self, learners: Sequence[PairLearner]) -> None:
        self._learners = learners
        self._modules = [_LossModule(learner).train() for learner in learners]
        self.weights, self.buffers = stack_module_state(self._modules)
        self._slots = _slots(self._modules[0])
        self._batched = vmap(self._with_state, randomness="error")
        sides = ("a", "b", "class_a", "class_b")
        self._sides = [torch.stack([getattr(learner, side) for learner in learners]) for side in sides]
        self._lanes = torch.arange(len(learners), device=self._sides[0].device)[:, None]

    def parameter_groups(self) -> list[dict[str, object]]:
        """Those of the first learner, on the stacked weights."""
        names = {id(parameter): name for name, parameter in self._modules[0].named_parameters()}
        groups = self._learners[0].parameter_groups()
        return [
            {**group, "params": [self.weights[names[id(p)]] for p in group["params"]]}  # type: ignore[attr-defined]
            for group in groups
        ]

    def pairs(self, indices: Sequence[Tensor]) -> list[Tensor]:
        """The pairs ``indices[i]`` (B,) of every learner i: A, B and their classes, (L, B, ...) each."""
        rows = torch.stack(list(indices)).to(self._lanes.device)
        return [side[self._lanes, rows] for side in self._sides]

    def losses(self, pairs: Sequence[Tensor], buffers: State) -> Losses:
        """Losses (L,), predictions and labels (L, pairs compared). Changes ``buffers`` as a step of training does."""
        losses: Losses = self._batched(self.weights, buffers, *pairs)
        return losses

    def rehearse(self, indices: Sequence[Tensor]) -> None:
        """Compare losses and gradients of one batch with those of the learners one by one; nothing is changed.

        Raises:
            CannotTrainTogetherError: they differ, or an operation has no batched form.
        """
        pairs, weights = self.pairs(indices), list(self.weights.values())
        try:
            together = self.losses(pairs, _copy(self.buffers))[0]
            gradients = _gradients(together.sum(), weights)
        except Exception as error:
            raise CannotTrainTogetherError(str(error).partition("\n")[0]) from None
        for number, module in enumerate(self._modules):
            loss, expected = _alone(module, [side[number] for side in pairs])
            difference = torch.stack([(g[number] - e).norm() for g, e in zip(gradients, expected, strict=True)]).norm()
            size = torch.stack([e.norm() for e in expected]).norm()
            # Written so that a NaN is a difference.
            if not (_close(together[number], loss) and bool(difference <= TOLERANCE * size)):
                raise CannotTrainTogetherError("stacked, its losses or gradients differ from those of one seed alone")

    def hand_back(self) -> None:
        """Put the trained weights and buffers into the learners."""
        trained = self.weights | self.buffers
        with torch.no_grad():
            for number, module in enumerate(self._modules):
                for name, own in (*module.named_parameters(), *module.named_buffers()):
                    own.copy_(trained[name][number])

    def _with_state(self, weights: State, buffers: State, *pairs: Tensor) -> Losses:
        in_every_slot = {slot: weights[name] for slot, name in self._slots.items()}
        losses: Losses = functional_call(self._modules[0], (in_every_slot, buffers), pairs, tie_weights=False)
        return losses


def _slots(module: nn.Module) -> dict[str, str]:
    """Every place of a parameter, with the name under which it is stacked: tied weights have several places.

    ``functional_call`` can tie them itself, but leaves the weights handed in behind in a module that has two names.
    """
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    return {
        f"{prefix}.{slot}": names[id(parameter)]
        for prefix, part in module.named_modules()
        for slot, parameter in part.named_parameters(recurse=False, remove_duplicate=False)
    }


def _alone(module: _LossModule, pairs: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Loss and gradients of one learner; its buffers are left as they were."""
    before = _copy(dict(module.named_buffers()))
    loss = module(*pairs)[0]
    gradients = _gradients(loss, list(module.parameters()))
    for name, buffer in module.named_buffers():
        buffer.copy_(before[name])
    return loss, gradients


def _copy(state: State) -> State:
    return {name: value.clone() for name, value in state.items()}


def _gradients(loss: Tensor, weights: Sequence[Tensor]) -> list[Tensor]:
    """Of the weights that train, in their order; zeros where one is not used."""
    trained = [weight for weight in weights if weight.requires_grad]
    found = torch.autograd.grad(loss, trained, allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for w, g in zip(trained, found, strict=True)]


def _close(one: Tensor, other: Tensor) -> bool:
    return bool((one - other).abs() <= TOLERANCE * other.abs().clamp(min=1))
