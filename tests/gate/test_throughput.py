"""The throughput tier: only on one machine, only with a factor, by ratio and rank test."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from bench.gate.comparison import Rules, compare
from bench.gate.coverage import shared
from bench.gate.read import read_side
from bench.gate.throughput import noise_factor


def with_rates(records, rates):
    for record, rate in zip(records, rates, strict=True):
        record["cost"] |= {"train_pairs_per_s": rate, "infer_pairs_per_s": 1000.0}
    return records


@pytest.fixture
def sides(run_folder, cells, header):
    """Two sides with given training rates, one per seed, and hardware of the second that differs where given."""

    def make(before, after, **hardware):
        base = run_folder(with_rates(cells("concat", [0.95] * len(before)), before), "base")
        other = {**header, "hardware": {**header["hardware"], **hardware}}
        new = run_folder(with_rates(cells("concat", [0.95] * len(after)), after), "new", other)
        return read_side(base), read_side(new)

    return make


@pytest.fixture
def words(sides, found):
    def make(before, after, factor=1.2, **hardware):
        comparison = compare(*sides(before, after, **hardware), Rules(factor=factor))
        return [(word, cell.split(", ")[-1]) for word, cell, _ in found(comparison, "throughput")]

    return make


def test_slower_on_every_seed_beyond_the_factor_is_worse(words):
    assert words([500, 510, 520], [300, 310, 320]) == [("worse", "training"), ("same", "inference")]


def test_a_ratio_that_the_rank_test_does_not_bear_out_is_undecided(words):
    before, after = [500, 510, 250], [300, 310, 520]
    assert mannwhitneyu(before, after, alternative="greater").pvalue > 0.05
    assert words(before, after)[0] == ("undecided", "training")
    assert words([500, 510], [300, 310])[0] == ("undecided", "training")


def test_slower_within_the_factor_is_the_same_and_faster_is_better(words):
    assert words([500, 510, 520], [450, 455, 460])[0] == ("same", "training")
    assert words([300, 310, 320], [500, 510, 520])[0] == ("better", "training")


@pytest.mark.parametrize(
    ("hardware", "reason"),
    [
        ({"cpu": "Other CPU"}, "cpu Test CPU against Other CPU"),
        ({"cores": 64}, "cores 2 against 64"),
        ({"capability": "AVX512"}, "capability AVX2 against AVX512"),
        ({"cpu": None}, "the new run does not say on which machine it ran"),
    ],
)
def test_another_machine_is_incomparable_and_no_regression(sides, found, hardware, reason):
    comparison = compare(*sides([500] * 3, [100] * 3, **hardware), Rules(factor=1.2))
    assert comparison.exit_code == 0
    assert found(comparison, "throughput") == [("incomparable", "all cells", reason)]


def test_other_workers_or_several_sessions_are_incomparable(run_folder, cells, header, found):
    records = cells("concat", [0.95] * 3)
    base = read_side(run_folder(records, "base"))
    crowded = {**header, "config": {"jobs": 4}}
    resumed = {**header, "created": "2026-03-01T10:00:01+00:00", "earlier": [crowded]}
    late = {**records[2], "finished": "2026-03-01T10:00:09+00:00"}
    for name, other in (("crowded", crowded), ("resumed", resumed), ("unknown", None)):
        comparison = compare(base, read_side(run_folder([*records[:2], late], name, other)), Rules(factor=1.2))
        assert [one[0] for one in found(comparison, "throughput")] == ["incomparable"]


def test_a_session_in_which_no_cell_ran_makes_nothing_incomparable(run_folder, cells, header, found):
    records = cells("concat", [0.95] * 3)
    looked_at = {**header, "created": "2026-03-01T11:00:00+00:00", "config": {"jobs": 4}, "earlier": [header]}
    sides = read_side(run_folder(records, "base")), read_side(run_folder(records, "new", looked_at))
    assert {one[0] for one in found(compare(*sides, Rules(factor=1.2)), "throughput")} == {"same"}


def test_without_a_factor_nothing_is_judged(sides, found):
    comparison = compare(*sides([500] * 3, [100] * 3), Rules())
    assert comparison.exit_code == 0
    ((word, _, text),) = found(comparison, "throughput")
    assert word == "incomparable"
    assert "no factor known" in text


def test_a_factor_from_two_runs_of_the_same_code_lets_a_third_pass_and_catches_half_the_speed(cells, run_folder):
    rng = np.random.default_rng(0)

    def run(name, slow=1.0):
        records = [record for index in range(40) for record in cells(f"f{index}", [0.95] * 3)]
        for record in records:
            record["cost"] |= {
                "train_pairs_per_s": 500 * rng.lognormal(0, 0.05) * slow,
                "infer_pairs_per_s": 2000 * rng.lognormal(0, 0.08),
            }
        return read_side(run_folder(records, name))

    first, second = run("a"), run("b")
    factor = noise_factor(shared(first, second, "accuracy", False))
    assert 1.1 < factor < 1.5
    again = [compare(first, run(f"c{index}"), Rules(factor=factor)) for index in range(5)]
    assert [one.exit_code for one in again] == [0] * 5
    halved = compare(first, run("d", slow=0.5), Rules(factor=factor))
    assert sum(one.word == "worse" for one in halved.findings) == 40
