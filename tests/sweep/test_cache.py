"""The cache of values worth keeping: what is computed again, and what is given up first."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from bench.sweep.cache import Cache


class Work:
    """Computes values that take as long as they are told to, on a clock of its own; remembers which."""

    def __init__(self) -> None:
        self.now, self.done = 0.0, list[str]()

    def clock(self) -> float:
        return self.now

    def of(self, name: str, value: str = "", seconds: float = 1.0) -> Callable[[], str]:
        def compute() -> str:
            self.done.append(name)
            self.now += seconds
            return value

        return compute


def test_of_values_alike_the_one_used_longest_ago_is_given_up_first() -> None:
    work = Work()
    cache = Cache[str](2, clock=work.clock)
    for name in ["a", "b", "a", "c", "a", "b"]:
        assert cache.get(name, work.of(name, name.upper())) == name.upper()
    assert work.done == ["a", "b", "c", "b"]


def test_what_was_dear_outlasts_what_was_cheap() -> None:
    work = Work()
    cache = Cache[str](2, clock=work.clock)
    for name, seconds in [("dear", 9), ("cheap", 1), ("cheaper", 0.5), ("dear", 9), ("cheap", 1)]:
        cache.get(name, work.of(name, seconds=seconds))
    assert work.done == ["dear", "cheap", "cheaper", "cheap"]


def test_large_values_make_room_for_small_ones() -> None:
    work = Work()
    cache = Cache[str](100, len, work.clock)
    for seed in range(10):
        cache.get(("large", seed), work.of("large", "x" * 60))
        cache.get(("small", seed), work.of("small", "x" * 4))
    for seed in range(10):
        cache.get(("small", seed), work.of("again"))
    assert "again" not in work.done


def test_what_is_never_used_again_goes_however_dear_it_was() -> None:
    work = Work()
    cache = Cache[str](3, clock=work.clock)
    cache.get("dear", work.of("dear", seconds=9))
    for name in "abcdefghijklm":
        cache.get(name, work.of(name))
        cache.get("often", work.of("often", seconds=2))
    cache.get("dear", work.of("dear", seconds=9))
    assert work.done.count("often") == 1
    assert work.done.count("dear") == 2


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30),
    st.integers(1, 12),
)
def test_the_weights_of_what_is_kept_stay_within_the_limit(asked: list[tuple[int, int, int]], limit: int) -> None:
    work = Work()
    cache = Cache[str](limit, len, work.clock)
    for name, size, seconds in asked:
        last = cache.get(name, work.of(str(name), "x" * size, seconds))
        kept = [entry.value for entry in cache._kept.values()]
        assert last in kept
        assert len(kept) == 1 or sum(map(len, kept)) <= limit
        assert cache.get(name, work.of("again")) == last
    assert "again" not in work.done
