"""What is said of a cell without a result."""

from bench.records.advice import ADVICE, advice, worth_a_retry
from bench.records.record import DONE, STATUSES


def test_every_failure_has_advice_and_a_deterministic_one_is_not_retried() -> None:
    assert ADVICE.keys() == set(STATUSES) - DONE
    assert worth_a_retry([*STATUSES, "oom"]) == ["error", "killed", "oom", "timeout"]
    for status in STATUSES:
        assert ("the same way again" in advice(status)) == (status in ("collapsed", "diverged"))
