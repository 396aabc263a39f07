"""Training of a warm-up: which images, in which order, and from which random numbers."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bench.domain import Domain
from bench.training.warmup import Warmup, contract
from bench.training.warmup import train as training

Ask = Callable[..., Warmup]


def weights(made: Warmup) -> dict[str, Tensor]:
    return torch.load(made.path, weights_only=True)


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return set(first) == set(second) and all(torch.equal(value, second[name]) for name, value in first.items())


def numbers(pixels: Tensor) -> list[int]:
    return (pixels[:, 0, 0, 0].int() * 256 + pixels[:, 0, 0, 1].int()).tolist()


def test_weights_depend_on_the_seed_alone(ask_again: Ask) -> None:
    torch.manual_seed(1)
    first = weights(ask_again())
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second, other = weights(ask_again()), weights(ask_again(seed=1))
    assert equal(first, second)
    assert not equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_it_learns_what_it_is_shown(ask: Ask) -> None:
    assert ask(images=1024, easy_share=0).quality > 0.9


def test_training_and_held_out_images_come_from_different_splits(ask: Ask, primaries: Domain) -> None:
    ask(seed=3)
    assert {call.split for call in primaries.calls} == {"warmup", "val"}
    assert {call.seed for call in primaries.calls} == {3}
    assert sum(call.n for call in primaries.calls if call.split == "val") == 96
    assert primaries.calls[-1].split == "val"
    assert not primaries.calls[-1].easy


@pytest.mark.parametrize(("images", "batch"), [(256, 32), (256, 128), (240, 48), (300, 100), (400, 200)])
def test_every_image_is_trained_on_once(ask: Ask, images: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[list[int]] = []
    standardise = contract.standardise

    def watch(pixels: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            shown.append(numbers(pixels))
        return standardise(pixels)

    monkeypatch.setattr(contract, "standardise", watch)
    made = ask(images=images, batch_size=batch)
    assert [len(part) for part in shown] == [batch] * (images // batch)
    assert [number for part in shown for number in part] == list(range(images))
    assert made.images == images


@pytest.mark.parametrize(("share", "easy"), [(0.0, 0), (0.5, 256), (1.0, 512)])
def test_the_first_images_are_easy(ask: Ask, share: float, easy: int, primaries: Domain) -> None:
    ask(images=512, batch_size=64, easy_share=share)
    trained = [call for call in primaries.calls if call.split == "warmup" and call.n > 1]
    assert [i for call in trained for i in range(call.start, call.start + call.n)] == list(range(512))
    assert [call.easy for call in trained for _ in range(call.n)] == [True] * easy + [False] * (512 - easy)


def test_held_out_images_leave_no_trace_in_the_weights(ask_again: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    few = weights(ask_again())
    monkeypatch.setattr(training, "HELD_OUT", 300)
    assert equal(weights(ask_again()), few)


def test_progress_reaches_one(ask: Ask) -> None:
    shares: list[float] = []
    ask(on_progress=lambda share, history: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1
