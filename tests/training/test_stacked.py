"""Learners trained in one pass: the same as one by one, or refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bench import zoo
from bench.backbones import Backbone
from bench.errors import DivergedError
from bench.fusion import FUSIONS, Fusion, MapShape
from bench.model import PairModel, build_model
from bench.spec import parse_spec
from bench.training.augment import Augmentation, Augmenter
from bench.training.auxiliary import Auxiliary
from bench.training.loop import History, batches, fit
from bench.training.pairs import FrozenModel, NameLearner, PairLearner, learner_of
from bench.training.recipe import Recipe
from bench.training.stacked import CannotTrainTogetherError, clip_each, fit_together

zoo.load()

BACKBONE = "mobilenetv3_small_32"
N, SEEDS = 32, 3
RECIPE = Recipe(train_pairs=N, batch_size=8, lr=2e-3, pairs_per_image=2)
STEPS = N // RECIPE.batch_size
# The matching algorithm and the LSTM cell have no batched form.
REFUSED = {"esbn", "hungarian_regions", "hungarian_score"}


def encoded(shape: torch.Size, seed: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Encodings of A and of B that differ by class, and the classes."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(2, *shape, generator=generator, dtype=dtype)
    classes = [torch.randint(2, (N,), generator=generator) for _ in range(2)]
    a, b = (centres[side] + torch.randn(N, *shape, generator=generator, dtype=dtype) for side in classes)
    return a, b, *classes


@cache
def built(fusion: str) -> tuple[list[PairModel], torch.Size]:
    """A model of each seed, and the shape of what it encodes an image to."""
    models = [build_model(parse_spec(fusion), BACKBONE, seed=seed) for seed in range(SEEDS)]
    with torch.no_grad():
        return models, models[0].eval().encode(torch.zeros(1, 3, 32, 32, dtype=torch.uint8)).shape[1:]


def copied(model: PairModel) -> PairModel:
    """All but the backbone, which encodes nothing from now on."""
    return copy.deepcopy(model, {id(part): part for part in model.modules() if isinstance(part, Backbone)})


def learners(fusion: str, dtype: torch.dtype = torch.float32, recipe: Recipe = RECIPE) -> list[PairLearner]:
    made = []
    models, shape = built(fusion)
    for seed, model in enumerate(models):
        subject = FrozenModel(copied(model).to(dtype))
        torch.manual_seed(seed)
        made.append(learner_of(subject)(subject, recipe, *encoded(shape, seed, dtype)))
        made[-1].module.to(dtype)
    return made


def orders() -> list[list[Tensor]]:
    """Two epochs' worth of batches of every seed, cut to ``STEPS``."""
    return [list(batches(N, RECIPE.batch_size, 2, seed))[-STEPS:] for seed in range(SEEDS)]


def one_by_one(made: list[PairLearner], recipe: Recipe = RECIPE) -> list[History]:
    return [fit(learner, recipe, order, STEPS) for learner, order in zip(made, orders(), strict=True)]


def together(made: list[PairLearner], recipe: Recipe = RECIPE) -> list[History | DivergedError]:
    return fit_together(made, recipe, orders(), STEPS)


def state(learner: PairLearner) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in learner.module.state_dict().items()}


def frozen_fusions(*needs: str) -> list[str]:
    """Names of the fusions that train on pairs of encoded images."""
    found = {name: FUSIONS.get(name) for name in FUSIONS.match("*")}
    return [
        name
        for name, fusion in found.items()
        if fusion.needs in needs and fusion.encoder != "none" and fusion.towers == 1 and fusion.supervision == "pairs"
    ]


def one_quick_of_each_family() -> list[Any]:
    """All of them; quick are those that are refused and one of each family."""
    quick: dict[tuple[str, str], str] = {}
    names = frozen_fusions("embedding", "map", "tokens")
    for name in names:
        quick.setdefault((FUSIONS.get(name).family, FUSIONS.get(name).needs), name)
    tried = REFUSED | set(quick.values())
    return [pytest.param(name, marks=() if name in tried else pytest.mark.slow) for name in names]


# In the program each pass is compared at its first batch with what one by one gives, whatever the fusion.
@pytest.mark.parametrize("fusion", one_quick_of_each_family())
def test_a_pass_leaves_what_one_by_one_leaves(fusion: str) -> None:
    alone, stacked = learners(fusion, torch.float64), learners(fusion, torch.float64)
    if fusion in REFUSED:
        with pytest.raises(CannotTrainTogetherError):
            together(stacked)
        return
    for expected, found in zip(one_by_one(alone), together(stacked), strict=True):
        assert isinstance(found, History)
        torch.testing.assert_close(found.curve, expected.curve, rtol=1e-9, atol=1e-9)
        assert found.examples == expected.examples == N
    for expected, found in zip(alone, stacked, strict=True):
        torch.testing.assert_close(state(found), state(expected), rtol=1e-7, atol=1e-9)


# Of other families each; in double precision all of them are tried.
@pytest.mark.parametrize("fusion", ["concat", "cosine", "low_rank_bilinear", "gated", "mixture", "pair_norm"])
def test_in_single_precision_the_curves_agree(fusion: str) -> None:
    for expected, found in zip(one_by_one(learners(fusion)), together(learners(fusion)), strict=True):
        assert isinstance(found, History)
        torch.testing.assert_close(found.curve, expected.curve, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("objective", ["hinge", "bce+0.1*contrastive", "bce+0.1*arcface"])
def test_another_objective(objective: str) -> None:
    recipe = RECIPE.model_copy(update={"objective": objective})
    alone, stacked = (learners("concat", torch.float64, recipe) for _ in range(2))
    one_by_one(alone, recipe)
    together(stacked, recipe)
    for expected, found in zip(alone, stacked, strict=True):
        torch.testing.assert_close(state(found), state(expected), rtol=1e-7, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 4), st.floats(0.01, 10))
def test_every_learner_is_clipped_by_its_own_norm(seed: int, seeds: int, limit: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    scales = 10 ** torch.randn(seeds, generator=generator)
    stacked, alone = [], [[] for _ in range(seeds)]
    for shape in ((), (3,), (2, 4)):
        gradient = torch.randn(seeds, *shape, generator=generator) * scales.view(-1, *(1 for _ in shape))
        stacked.append(nn.Parameter(torch.zeros(seeds, *shape)))
        stacked[-1].grad = gradient.clone()
        for number in range(seeds):
            alone[number].append(nn.Parameter(torch.zeros(shape)))
            alone[number][-1].grad = gradient[number].clone()
    unused = nn.Parameter(torch.zeros(seeds, 5))
    norms = clip_each([*stacked, unused], limit)
    for number, parameters in enumerate(alone):
        assert norms[number] == pytest.approx(float(nn.utils.clip_grad_norm_(parameters, limit)))
        for ours, theirs in zip(stacked, parameters, strict=True):
            torch.testing.assert_close(ours.grad[number], theirs.grad)


def spoil(learner: PairLearner, seed: int, step: int) -> None:
    """Make one image of a step, counted from 1, infinite."""
    learner.a[orders()[seed][step - 1][0]] = float("inf")


def test_one_that_diverges_leaves_the_others_alone() -> None:
    alone, stacked = learners("concat"), learners("concat")
    spoil(stacked[1], seed=1, step=3)
    first, lost, last = together(stacked)
    assert isinstance(lost, DivergedError)
    assert "the loss is not finite within 1 step up to step 3" in str(lost)
    expected = one_by_one(alone)
    for found, usual in ((first, expected[0]), (last, expected[2])):
        assert isinstance(found, History)
        torch.testing.assert_close(found.curve, usual.curve, rtol=1e-5, atol=1e-5)


def test_progress_is_that_of_one_which_goes_on() -> None:
    stacked = learners("concat")
    spoil(stacked[0], seed=0, step=2)
    seen: list[tuple[float, int]] = []
    fit_together(stacked, RECIPE, orders(), STEPS, lambda share, history: seen.append((share, len(history.curve))))
    assert seen == [(step / STEPS, step) for step in range(1, STEPS + 1)]


class Odd(Fusion):
    """A fusion that says in ``forward`` what is odd about it."""

    name, family, needs, symmetric, paper, head = "test_odd", "test", "embedding", False, "none", "score"

    def __init__(self, act: Callable[[Odd, Tensor], Tensor], dim: int) -> None:
        super().__init__(1)
        self.act = act
        self.weight = nn.Parameter(torch.randn(dim))
        self.norm = nn.BatchNorm1d(dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (self.act(self, self.norm(a) * b) * self.weight).sum(1)


calls = count()
ODD = {
    "random": lambda fusion, x: nn.functional.dropout(x, 0.5, fusion.training),
    "control flow on values": lambda fusion, x: x if float(x.sum()) > 0 else 2 * x,
    "numpy": lambda fusion, x: x * float(x.detach().numpy().mean()),
    "other each time": lambda fusion, x: x * (1 + next(calls)),
}


@pytest.mark.parametrize("what", ODD)
def test_what_has_no_batched_form_is_refused_and_untouched(what: str) -> None:
    made = learners("concat")
    for seed, learner in enumerate(made):
        torch.manual_seed(seed)
        model = learner.model
        model.fusion, model.head = Odd(ODD[what], learner.a.shape[1]), nn.Identity()
        model._compare = lambda a, b, model=model: model.fusion(a, b)
    before = [state(learner) for learner in made]
    with pytest.raises(CannotTrainTogetherError):
        together(made)
    for learner, expected in zip(made, before, strict=True):
        torch.testing.assert_close(state(learner), expected, rtol=0, atol=0)


def test_running_statistics_come_back() -> None:
    alone, stacked = learners("attention_gate", torch.float64), learners("attention_gate", torch.float64)
    one_by_one(alone)
    together(stacked)
    buffers = [name for name, _ in alone[0].module.named_buffers() if "running" in name]
    assert buffers
    for expected, found in zip(alone, stacked, strict=True):
        for name in buffers:
            torch.testing.assert_close(state(found)[name], state(expected)[name])


def test_names_auxiliary_heads_and_augmentation_are_refused() -> None:
    names, helped, augmented = learners("name_then_xnor"), learners("concat"), learners("concat")
    assert isinstance(names[0], NameLearner)
    augmented[1].augment = Augmenter(Augmentation.parse("flip"), 0)
    for learner in helped:
        learner.auxiliary = Auxiliary({"name": 1.0}, MapShape(3, 32, 32), 2)
    for made in (names, helped, augmented):
        with pytest.raises(CannotTrainTogetherError, match="names or auxiliary heads are trained, or images are augm"):
            together(made)
