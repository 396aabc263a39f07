"""A sweep of fusions that are matched in parameters."""

from __future__ import annotations

import pytest

from bench.errors import UsageError
from bench.sweep.config import load_config

THREE = {"fusion": ["abs_diff", "concat", "cosine"], "match_params": "5%:20000"}


def test_cells_carry_the_sizes_that_were_chosen(sweep) -> None:
    code, records, printed = sweep(**THREE)
    assert code == 0
    found = {record["fusion"]: record for record in records}
    names = {name.split(":")[0]: name for name in found}
    assert names["abs_diff"].startswith("abs_diff:head=")
    assert names["cosine"] == "cosine"
    for record in records:
        matching = record["matching"]
        assert (matching["budget"], matching["tolerance"], matching["fusion"]) == (20_000, 0.05, record["fusion"])
        assert matching["parameters"] == record["cost"]["fusion_parameters"]
        close = abs(record["cost"]["fusion_parameters"] - 20_000) <= 1_000
        assert close == (not matching["problem"]) == (record["fusion"] != "cosine")
    assert "cosine · mobilenetv3_small_32: 2 parameters, not 20,000: it has no size to choose" in printed
    assert "concat" not in next(line for line in printed.splitlines() if "not 20,000" in line)


def test_the_same_command_finds_its_cells_again(sweep) -> None:
    sweep(**THREE)
    code, records, printed = sweep(**THREE)
    assert (code, len(records)) == (0, 3)
    assert "3 done" in printed


def test_without_the_option_nothing_is_sized(sweep) -> None:
    (record,) = sweep()[1]
    assert record["fusion"] == "abs_diff"
    assert "matching" not in record


def test_a_bad_tolerance_is_one_clear_line() -> None:
    with pytest.raises(UsageError, match=r"--match-params.*expected 5% \(of the median of the fusions\) or 5%:60000"):
        load_config({"match_params": "60000"})
