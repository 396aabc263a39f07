"""The search for the best batch, on rates that are made up."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from bench.errors import NotApplicableError
from bench.speed import worker
from bench.speed.rows import Row
from bench.speed.worker import LARGEST_BATCH, LONGEST_CALL, Result, search

ROW = Row("abs_diff", "mobilenetv3_small_32", "train", None, "cpu", "float32", "channels_last", 1)
Search = Callable[[Callable[[int], float]], Result]


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Search:
    """The search where a call takes so many seconds for its batch, or fails."""

    def found(seconds: Callable[[int], float]) -> Result:
        monkeypatch.setattr(worker, "_watch", lambda row, batch: (SimpleNamespace(blocks=[seconds(batch)]), batch))
        return search(ROW)

    return found


def failing(at: int, error: Exception) -> Callable[[int], float]:
    """Seconds of calls that take the same time for every batch but ``at``, which fails."""

    def seconds(batch: int) -> float:
        if batch == at:
            raise error
        return 0.01

    return seconds


def test_it_doubles_until_nothing_is_gained_twice(find: Search) -> None:
    rates = {1: 100, 2: 200, 4: 300, 8: 303, 16: 305}
    assert find(lambda batch: batch / rates[batch]) == {"batch": 4, "searched": {str(b): r for b, r in rates.items()}}


def test_a_gain_after_one_doubling_without_goes_on(find: Search) -> None:
    rates = {1: 100, 2: 100, 4: 300, 8: 200, 16: 200}
    assert find(lambda batch: batch / rates[batch])["batch"] == 4


def test_it_ends_at_the_largest_batch(find: Search) -> None:
    assert find(lambda batch: 0.01)["batch"] == LARGEST_BATCH


def test_it_ends_after_a_long_call(find: Search) -> None:
    found = find(lambda batch: 0.1 if batch < 8 else 1.01 * LONGEST_CALL)
    assert (found["batch"], list(found["searched"])) == (4, ["1", "2", "4", "8"])


def test_where_one_pair_is_too_few_it_begins_with_two(find: Search) -> None:
    found = find(failing(1, NotApplicableError("one example")))
    assert (found["batch"], next(iter(found["searched"]))) == (LARGEST_BATCH, "2")
    with pytest.raises(NotApplicableError):
        find(failing(2, NotApplicableError("two examples")))


def test_out_of_memory_keeps_the_best_so_far(find: Search) -> None:
    found = find(failing(8, RuntimeError("CUDA out of memory")))
    assert (found["batch"], list(found["searched"])) == (4, ["1", "2", "4"])
    for at, message in ((1, "CUDA out of memory"), (8, "something else")):
        with pytest.raises(RuntimeError, match=message):
            find(failing(at, RuntimeError(message)))
