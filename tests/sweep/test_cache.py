"""The cache of values used last: what is computed again, and what is given up first."""

from collections.abc import Callable

from bench.sweep.cache import Recent


def counting(calls: list[str], name: str, value: str) -> Callable[[], str]:
    def compute() -> str:
        calls.append(name)
        return value

    return compute


def test_a_value_is_computed_once_and_the_one_used_longest_ago_is_given_up_first() -> None:
    cache, calls = Recent[str](2), list[str]()
    for name in ["a", "b", "a", "c", "a", "b"]:
        assert cache.get(name, counting(calls, name, name.upper())) == name.upper()
    assert calls == ["a", "b", "c", "b"]


def test_the_weights_of_what_is_kept_stay_within_the_limit() -> None:
    cache, calls = Recent[str](10, len), list[str]()
    for name, value in [("six", "x" * 6), ("four", "x" * 4), ("six", ""), ("five", "x" * 5), ("four", "x" * 4)]:
        cache.get(name, counting(calls, name, value))
    # five and six weigh 11 together: four, used longest ago, goes first, and then six as well.
    assert calls == ["six", "four", "five", "four"]
    cache.get("six", counting(calls, "six", "x" * 6))
    assert calls[-1] == "six"


def test_a_value_beyond_the_limit_is_kept_while_it_is_the_last_used() -> None:
    cache, calls = Recent[str](3, len), list[str]()
    for _ in range(2):
        assert cache.get("big", counting(calls, "big", "x" * 50)) == "x" * 50
    assert calls == ["big"]
