"""Scoring pairs: one order or both, evaluation mode, no trace left in the model."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench import zoo
from bench.errors import DivergedError
from bench.evaluation import scoring
from bench.evaluation.scoring import read_pairs, score_both_orders, score_pairs
from bench.model import PairModel, build_model
from bench.spec import parse_spec

zoo.load()


def images(n: int, seed: int) -> Tensor:
    return torch.randint(0, 256, (n, 3, 32, 32), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def warm(fusion: str) -> PairModel:
    """A model whose BatchNorm statistics are no longer those of its initialisation, left in training mode."""
    model = build_model(parse_spec(fusion), "mobilenetv3_small_32")
    with torch.no_grad():
        model(images(16, 10), images(16, 11))
    return model.train()


class Formula(PairModel):
    """Scores by a formula of the first pixel; notices the mode it is called in."""

    def __init__(self, function: object) -> None:
        nn.Module.__init__(self)
        self.function = function
        self.modes: list[bool] = []
        self.batches: list[int] = []

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        self.modes.append(self.training or torch.is_grad_enabled())
        self.batches.append(len(a))
        return self.function(a[:, 0, 0, 0].float(), b[:, 0, 0, 0].float())


def test_scores_of_both_orders() -> None:
    a, b = images(700, 0), images(700, 1)
    model = Formula(lambda x, y: 2 * x - y)
    scored = score_both_orders(model, a, b)
    x, y = a[:, 0, 0, 0].numpy().astype(float), b[:, 0, 0, 0].numpy().astype(float)
    assert scored.scores.dtype == scored.swapped.dtype == np.float32
    assert scored.scores == pytest.approx(2 * x - y)
    assert scored.swapped == pytest.approx(2 * y - x)
    assert not any(model.modes)
    assert max(model.batches) <= scoring.BATCH


@pytest.mark.parametrize("fusion", ["concat", "two_channel", "concat:symmetrize=true", "pseudo_siamese"])
def test_one_order_is_the_first_of_both_and_costs_half(fusion: str) -> None:
    a, b = images(300, 12), images(300, 13)
    model = warm(fusion)
    assert score_pairs(model, a, b) == pytest.approx(score_both_orders(model, a, b).scores, abs=1e-5)
    counted = Formula(lambda x, y: x - y)
    score_pairs(counted, a, b)
    assert sum(counted.batches) == 300
    score_both_orders(counted, a, b)
    assert sum(counted.batches) == 900


@pytest.mark.parametrize(("fusion", "encoded"), [("fmap_diff", 600), ("pseudo_siamese", 600), ("two_channel", 0)])
def test_the_cosines_of_encodings_cost_no_further_encoding(fusion: str, encoded: int) -> None:
    """One pass over both images for the first order; what depends on the order passes again for the other."""
    a, b = images(300, 12), images(300, 13)
    model = warm(fusion)
    sizes: list[int] = []
    for tower in model.towers:
        tower.stem.register_forward_hook(lambda module, args, result: sizes.append(len(args[0])))
    scored = score_both_orders(model, a, b)
    again, cosine = read_pairs(model, a, b)
    assert (scored.scores == again).all()
    if not encoded:
        assert scored.cosine is None
        assert cosine is None
        assert sum(sizes) == 300 + 300 + 300
        return
    assert sum(sizes) == encoded * (3 if fusion == "pseudo_siamese" else 2)
    assert scored.cosine.dtype == np.float32
    assert (scored.cosine == cosine).all()
    assert cosine.shape == (300,)


@pytest.mark.parametrize("fusion", ["concat", "two_channel", "concat:symmetrize=true"])
def test_a_real_model_scores_as_it_does_pair_by_pair(fusion: str) -> None:
    a, b = images(9, 2), images(9, 3)
    model = warm(fusion)
    scored = score_both_orders(model, a, b)
    assert not model.training
    with torch.no_grad():
        single = [float(model(a[i : i + 1], b[i : i + 1])) for i in range(9)]
        swapped = [float(model(b[i : i + 1], a[i : i + 1])) for i in range(9)]
    assert scored.scores == pytest.approx(single, abs=1e-4)
    assert scored.swapped == pytest.approx(swapped, abs=1e-4)
    gap = np.abs(scored.scores - scored.swapped).max()
    assert gap < 1e-5 if "symmetrize" in fusion else gap > 1e-4


def test_scoring_changes_nothing_in_the_model() -> None:
    model = warm("abs_diff")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    score_both_orders(model, images(300, 4), images(300, 5))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("batch", [1, 2, 7, 1000])
def test_the_batch_size_does_not_matter(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = images(15, 6), images(15, 7)
    model = warm("hadamard")
    expected = score_both_orders(model, a, b)
    monkeypatch.setattr(scoring, "BATCH", batch)
    scored = score_both_orders(model, a, b)
    assert scored.scores == pytest.approx(expected.scores, abs=1e-4)
    assert scored.swapped == pytest.approx(expected.swapped, abs=1e-4)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("order", ["first", "swapped"])
def test_a_score_that_is_not_finite_is_a_divergence(bad: float, order: str) -> None:
    a, b = torch.zeros(300, 3, 32, 32, dtype=torch.uint8), torch.zeros(300, 3, 32, 32, dtype=torch.uint8)
    (a if order == "first" else b)[299] = 1
    model = Formula(lambda x, y: torch.where(x == 1, bad, x + y))
    with pytest.raises(DivergedError, match="not finite"):
        score_both_orders(model, a, b)


def test_a_model_with_broken_weights_is_a_divergence() -> None:
    model = warm("abs_diff")
    with torch.no_grad():
        next(model.head.parameters())[0] = math.nan
    with pytest.raises(DivergedError):
        score_both_orders(model, images(4, 8), images(4, 9))
    with pytest.raises(DivergedError):
        score_pairs(model, images(4, 8), images(4, 9))
