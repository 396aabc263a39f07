"""The order in which examples are trained on."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.training.loop import batches


@given(examples=st.integers(1, 60), batch=st.integers(1, 20), epochs=st.integers(1, 4), seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_batches(examples: int, batch: int, epochs: int, seed: int) -> None:
    got = [index.tolist() for index in batches(examples, batch, epochs, seed)]
    per_epoch = examples // batch
    assert len(got) == epochs * per_epoch
    assert all(len(index) == batch for index in got)
    for epoch in range(epochs):
        used = [i for index in got[epoch * per_epoch : (epoch + 1) * per_epoch] for i in index]
        assert len(set(used)) == len(used) == per_epoch * batch
        assert set(used) <= set(range(examples))
        if epoch == 0:
            assert used == sorted(used)
    assert got == [index.tolist() for index in batches(examples, batch, epochs, seed)]


def test_later_epochs_are_shuffled_from_the_seed_alone() -> None:
    def epochs(seed: int) -> list[list[int]]:
        whole = [i for index in batches(64, 8, 3, seed) for i in index.tolist()]
        return [whole[k * 64 : (k + 1) * 64] for k in range(3)]

    torch.manual_seed(5)
    first, other = epochs(0), epochs(1)
    assert first[0] == other[0] == list(range(64))
    assert len({tuple(epoch) for epoch in (*first, *other)}) == 5
    torch.manual_seed(6)
    assert epochs(0) == first
