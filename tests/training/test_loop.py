"""The training loop on learners so small that every number can be checked."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bench.errors import DivergedError
from bench.training.curve import CURVE_POINTS
from bench.training.loop import History, decay_groups, fit
from bench.training.recipe import Recipe, WarmupRecipe

Loss = Callable[["Toy", Tensor], Tensor]


class Weights(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.ones(3, 4))
        self.vector = nn.Parameter(torch.ones(4))
        self.scalar = nn.Parameter(torch.tensor(1.0))
        self.unused = nn.Parameter(torch.ones(2, 2))
        self.locked = nn.Parameter(torch.ones(2, 2), requires_grad=False)


@dataclass
class Toy:
    """Trains ``Weights`` on a loss given by the test; keeps what the loop asked for."""

    loss: Loss
    factor: float = 1.0
    weight_decay: float = 0.0
    examples: int = 64
    module: nn.Module = field(default_factory=Weights)
    losses: list[float] = field(default_factory=list)
    hits: list[float] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)

    def parameter_groups(self) -> list[dict[str, object]]:
        return decay_groups(self.module.parameters(), self.factor, self.weight_decay)

    def batch_loss(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        loss = self.loss(self, index)
        predictions = index % 3 == 0
        self.losses.append(float(loss.detach()))
        self.hits.append(float(predictions.float().mean()))
        self.seen += index.tolist()
        return loss, predictions, torch.ones(len(index), dtype=torch.bool)


def nothing(toy: Toy, index: Tensor) -> Tensor:
    """A loss with gradient 0: whatever moves, weight decay moved it."""
    return sum(0 * p.sum() for name, p in toy.module.named_parameters() if name != "unused" and p.requires_grad)


def slope(size: float) -> Loss:
    return lambda toy, index: size * (toy.module.matrix.sum() + toy.module.vector.sum() + toy.module.scalar)


def order(steps: int, batch: int = 4) -> list[Tensor]:
    return [torch.arange(step * batch, (step + 1) * batch) for step in range(steps)]


def rates(recipe: Recipe | WarmupRecipe, steps: int, factor: float = 1.0) -> list[float]:
    """The learning rate of every step, read off what weight decay does to a weight whose gradient is 0."""
    toy = Toy(nothing, factor=factor, weight_decay=1.0)
    weight = [1.0]

    def watch(step: int) -> bool:
        weight.append(toy.module.matrix[0, 0].item())
        return False

    fit(toy, recipe, order(steps), steps, should_stop=watch)
    return [1 - after / before for before, after in pairwise(weight)]


# --- the schedule ---


@pytest.mark.parametrize(("steps", "warmup"), [(100, 0.1), (50, 0.5), (40, 0.0), (200, 0.25)])
def test_linear_warm_up_then_cosine_to_zero(steps: int, warmup: float) -> None:
    lr = 0.01
    got = rates(Recipe(lr=lr, warmup_fraction=warmup), steps)
    rising = max(1, round(steps * warmup))
    for step in range(rising):
        assert got[step] == pytest.approx(lr * (step + 1) / rising, rel=2e-3, abs=1e-6)
    for step in range(rising, steps):
        share = (step - rising) / (steps - rising)
        assert got[step] == pytest.approx(lr * (1 + math.cos(math.pi * share)) / 2, rel=2e-3, abs=1e-6)
    assert max(got) == pytest.approx(lr, rel=2e-3)
    assert got[-1] < lr * 0.02


@pytest.mark.parametrize(("schedule", "share"), [("exponential", lambda t: 0.01**t), ("constant", lambda t: 1.0)])
def test_other_schedules_follow_the_same_warm_up(schedule: str, share: Callable[[float], float]) -> None:
    got = rates(Recipe(lr=0.01, warmup_fraction=0.2, schedule=schedule), 50)
    expected = [min(1, (step + 1) / 10) * share(max(0, step - 10) / 40) for step in range(50)]
    assert got == pytest.approx([0.01 * factor for factor in expected], rel=2e-3, abs=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("schedule", ["cosine", "exponential", "constant"])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.99])
def test_schedules_of_few_steps_stay_in_range(steps: int, warmup: float, schedule: str) -> None:
    got = rates(WarmupRecipe(lr=0.01, warmup_fraction=warmup, schedule=schedule), steps)
    assert len(got) == steps
    assert all(-1e-6 <= rate <= 0.01 + 1e-6 for rate in got)
    assert max(got) > 0.001


def test_sgd_has_nesterov_momentum() -> None:
    """Recomputed by hand: the buffer keeps nine tenths, and the step looks one ahead."""
    toy = Toy(slope(1.0))
    fit(toy, Recipe(lr=0.1, optimizer="sgd", schedule="constant", warmup_fraction=0, clip_norm=1e6), order(5), 5)
    weight, buffer = 1.0, 0.0
    for _ in range(5):
        buffer = 0.9 * buffer + 1
        weight -= 0.1 * (1 + 0.9 * buffer)
    for moved in (toy.module.matrix, toy.module.vector, toy.module.scalar):
        assert moved.detach().flatten().tolist() == pytest.approx([weight] * moved.numel(), rel=1e-5)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_weight_decay_of_every_optimizer_spares_vectors_and_scalars(optimizer: str) -> None:
    toy = Toy(nothing, weight_decay=0.5)
    fit(toy, Recipe(lr=0.1, optimizer=optimizer), order(20), 20)
    assert (toy.module.matrix < 0.9).all()
    assert torch.equal(toy.module.vector, torch.ones(4))
    assert toy.module.scalar == 1


@pytest.mark.parametrize("factor", [0.0, 0.1, 1.0])
def test_a_group_may_have_its_own_factor(factor: float) -> None:
    lr = 0.01
    assert max(rates(Recipe(lr=lr), 40, factor)) == pytest.approx(lr * factor, rel=2e-3, abs=1e-7)


# --- what is trained ---


def test_parameters_without_gradient_are_untouched() -> None:
    toy = Toy(slope(1.0), weight_decay=0.5)
    fit(toy, Recipe(lr=0.1), order(20), 20)
    assert torch.equal(toy.module.unused, torch.ones(2, 2))
    assert torch.equal(toy.module.locked, torch.ones(2, 2))
    for moved in (toy.module.matrix, toy.module.vector, toy.module.scalar):
        assert (moved < 0.9).all()


def test_decay_groups_hold_each_trainable_parameter_once() -> None:
    module = Weights()
    groups = decay_groups(module.parameters(), 0.3, 0.2)
    found = [(id(p), g["weight_decay"]) for g in groups for p in g["params"]]
    expected = {id(p): 0.2 if p.ndim > 1 else 0.0 for p in module.parameters() if p.requires_grad}
    assert dict(found) == expected
    assert len(found) == len(expected)
    assert all(g["lr"] == 0.3 for g in groups)
    assert decay_groups([module.locked], 1.0, 0.1) == []


def test_nothing_to_train_is_no_error() -> None:
    toy = Toy(nothing)
    toy.module.requires_grad_(False)
    history = fit(toy, Recipe(), order(5), 5)
    assert (history.curve, history.examples, history.stopped_early) == ([], 0, False)


@pytest.mark.parametrize("limit", [0.01, 1.0, 50.0])
def test_the_gradient_that_is_applied_is_no_longer_than_the_limit(limit: float) -> None:
    toy = Toy(slope(3.0))
    norms: list[float] = []

    def watch(step: int) -> bool:
        gradients = [p.grad.flatten() for p in toy.module.parameters() if p.grad is not None]
        norms.append(float(torch.cat(gradients).norm()))
        return False

    fit(toy, Recipe(clip_norm=limit), order(5), 5, should_stop=watch)
    unclipped = 3.0 * math.sqrt(12 + 4 + 1)
    assert norms == pytest.approx([min(limit, unclipped)] * 5, rel=1e-4)


def test_gradients_do_not_pile_up_from_step_to_step() -> None:
    toy = Toy(slope(1.0))
    seen: list[float] = []

    def watch(step: int) -> bool:
        seen.append(float(toy.module.scalar.grad))
        return False

    fit(toy, Recipe(clip_norm=1e9), order(4), 4, should_stop=watch)
    assert seen == pytest.approx([1.0] * 4)


def test_training_mode_is_on() -> None:
    toy = Toy(slope(1.0))
    toy.module.eval()
    fit(toy, Recipe(), order(2), 2)
    assert toy.module.training


def test_a_least_squares_problem_is_solved() -> None:
    generator = torch.Generator().manual_seed(0)
    x, truth = torch.randn(256, 4, generator=generator), torch.tensor([1.0, -2.0, 0.5, 3.0])

    def loss(toy: Toy, index: Tensor) -> Tensor:
        return (x[index % 256] @ toy.module.vector - x[index % 256] @ truth).square().mean()

    toy = Toy(loss)
    fit(toy, Recipe(lr=0.1), order(300, 16), 300)
    assert toy.module.vector.tolist() == pytest.approx(truth.tolist(), abs=0.02)


# --- the learning curve ---


@given(steps=st.integers(1, 130), batch=st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_the_curve_has_few_points_and_covers_every_example(steps: int, batch: int) -> None:
    toy = Toy(lambda toy, index: toy.module.scalar * (1 + index.float().mean() % 7))
    shares: list[float] = []
    history = fit(toy, Recipe(), order(steps, batch), steps, lambda share, _: shares.append(share))
    assert history.examples == steps * batch == len(toy.seen)
    assert len(history.curve) == len(shares) <= CURVE_POINTS == 20
    assert len(history.curve) >= min(steps, 10)
    assert history.curve[-1][0] == history.examples
    assert shares[-1] == 1
    assert shares == sorted(shares)
    start = 0
    for seen, loss, accuracy in history.curve:
        assert seen % batch == 0
        stop = seen // batch
        assert stop > start
        assert loss == pytest.approx(sum(toy.losses[start:stop]) / (stop - start), rel=1e-4)
        assert accuracy == pytest.approx(sum(toy.hits[start:stop]) / (stop - start), abs=1e-5)
        start = stop
    assert history.seconds > 0


@pytest.mark.parametrize("last", [1, 3, 7, 10, 24])
def test_stopping_early(last: int) -> None:
    toy = Toy(slope(1.0))
    history = fit(toy, Recipe(), order(50), 50, should_stop=lambda step: step == last)
    assert history.stopped_early
    assert history.examples == len(toy.seen) == 4 * last
    assert history.curve[-1][0] == history.examples  # the curve ends where training did


def test_a_full_run_is_not_called_stopped_early() -> None:
    assert not fit(Toy(slope(1.0)), Recipe(), order(10), 10).stopped_early


def test_progress_hands_over_the_history_so_far() -> None:
    seen: list[tuple[float, int]] = []

    def watch(share: float, history: History) -> None:
        seen.append((share, history.examples))
        assert history.curve[-1][0] == history.examples

    fit(Toy(slope(1.0)), Recipe(), order(40), 40, watch)
    assert [examples for _, examples in seen] == [8 * k for k in range(1, 21)]
    assert [share for share, _ in seen] == pytest.approx([k / 20 for k in range(1, 21)])


# --- divergence ---


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("step", [0, 13, 49])
def test_a_loss_that_is_not_finite_is_a_divergence(bad: float, step: int) -> None:
    def loss(toy: Toy, index: Tensor) -> Tensor:
        return toy.module.scalar * (bad if int(index[0]) == 4 * step else 1.0)

    toy = Toy(loss)
    with pytest.raises(DivergedError, match="loss is not finite"):
        fit(toy, Recipe(), order(50), 50)
    assert len(toy.losses) <= step + math.ceil(50 / CURVE_POINTS)  # noticed soon, not at the end


def test_a_gradient_that_is_not_finite_is_a_divergence() -> None:
    def loss(toy: Toy, index: Tensor) -> Tensor:
        return (toy.module.scalar - toy.module.scalar.detach()).abs().sqrt()  # 0, with an infinite slope

    with pytest.raises(DivergedError, match="gradient is not finite"):
        fit(Toy(loss), Recipe(), order(5), 5)


@pytest.mark.parametrize("last", [1, 7])
def test_stopping_early_does_not_hide_a_divergence(last: int) -> None:
    def loss(toy: Toy, index: Tensor) -> Tensor:
        return toy.module.scalar * math.nan

    with pytest.raises(DivergedError):
        fit(Toy(loss), Recipe(), order(200), 200, should_stop=lambda step: step == last)
