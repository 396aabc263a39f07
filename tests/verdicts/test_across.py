"""Several domains beside each other, against the same by plain loops."""

import numpy as np
import pytest
from scipy import stats

from bench.records.entries import entries_of
from bench.records.load import load_runs, pool
from bench.records.sections import sections_of
from bench.verdicts.across import across

DOMAINS = ("color", "digits", "texture")
LEVELS = {
    "attention": (0.95, 0.7, 0.8),
    "concat": (0.9, 0.72, 0.7),
    "cosine": (0.8, 0.6, 0.795),
    "sum": (0.6, 0.5, 0.6),
}


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    return {
        (name, domain, seed): float(level + rng.normal(0, 0.004))
        for name, levels in LEVELS.items()
        for domain, level in zip(DOMAINS, levels, strict=True)
        for seed in range(5)
    }


@pytest.fixture
def boards(run_folder, record):
    def read(scores, metric="accuracy", **fields):
        records = [record(name, seed, value, domain=domain, **fields) for (name, domain, seed), value in scores.items()]
        return across(sections_of(entries_of(pool(load_runs([run_folder(records)])).cells)), metric)

    return read


def test_means_intervals_and_the_distance_from_the_best(scores, boards):
    (found,) = boards(scores)
    assert found.domains == DOMAINS
    assert found.fusions == ("attention", "concat", "cosine", "sum")
    best = {d: max(np.mean([scores[f, d, s] for s in range(5)]) for f in LEVELS) for d in DOMAINS}
    for place, fusion in enumerate(found.fusions):
        own = {d: np.array([scores[fusion, d, s] for s in range(5)]) for d in DOMAINS}
        for column, domain in enumerate(DOMAINS):
            assert found.mean[place, column] == pytest.approx(own[domain].mean())
        average = np.mean(list(own.values()), axis=0)
        low, high = stats.t.interval(0.95, 4, average.mean(), stats.sem(average))
        assert found.mean[place, -1] == pytest.approx(average.mean())
        assert found.half_width[place, -1] == pytest.approx((high - low) / 2)
        assert found.behind[place] == pytest.approx(max(best[d] - own[d].mean() for d in DOMAINS))


def test_who_may_be_the_best_differs_between_domains(scores, boards):
    (found,) = boards(scores)
    by_fusion = dict(zip(found.fusions, found.ties.tolist(), strict=True))
    assert by_fusion["attention"] == [True, False, True, True]
    assert by_fusion["concat"] == [False, True, False, False]
    assert by_fusion["cosine"][2]  # half a point behind, with this much noise
    assert by_fusion["sum"] == [False] * 4


def test_who_misses_a_domain_is_named_and_not_averaged(scores, boards):
    some = {place: value for place, value in scores.items() if place[:2] != ("concat", "texture")}
    (found,) = boards(some)
    assert found.left_out == ("concat",)
    assert "concat" not in found.fusions


def test_the_mean_is_that_of_the_columns_where_a_domain_has_fewer_repetitions(scores, boards):
    (found,) = boards({place: value for place, value in scores.items() if place[1] != "texture" or place[2] < 3})
    assert found.repetitions == 3
    np.testing.assert_allclose(found.mean[:, -1], found.mean[:, :-1].mean(axis=1))
    color = [np.mean([scores[fusion, "color", seed] for seed in range(3)]) for fusion in found.fusions]
    np.testing.assert_allclose(found.mean[:, 0], color)


def test_without_a_repetition_that_all_share_there_is_no_table(scores, boards):
    apart = {
        place: value
        for place, value in scores.items()
        if place[1] != "color" or (place[0] == "concat") == (place[2] < 2)
    }
    assert boards(apart) == []


def test_one_domain_or_other_conditions_are_not_set_beside_each_other(scores, boards):
    assert boards({place: value for place, value in scores.items() if place[1] == "color"}) == []
    assert boards(scores, metric="threshold") == []


def test_recipes_do_not_mix(scores, run_folder, record):
    records = [
        record(name, seed, value, domain=domain, recipe_id="a" * 8 if domain == "color" else "b" * 8)
        for (name, domain, seed), value in scores.items()
    ]
    (found,) = across(sections_of(entries_of(pool(load_runs([run_folder(records)])).cells)), "accuracy")
    assert found.domains == ("digits", "texture")


def test_how_alike_two_domains_order_the_fusions(scores, boards):
    (found,) = boards(scores)
    means = {d: [np.mean([scores[f, d, s] for s in range(5)]) for f in LEVELS] for d in DOMAINS}
    by_pair = {(one.first, one.second): one.correlation for one in found.agreements}
    assert set(by_pair) == {("color", "digits"), ("color", "texture"), ("digits", "texture")}
    for (first, second), correlation in by_pair.items():
        assert correlation == pytest.approx(stats.spearmanr(means[first], means[second]).statistic)


def test_the_lead_of_the_best_has_an_interval_for_whichever_is_the_best(scores, boards):
    (found,) = boards(scores)
    lead = found.lead_over("sum")
    own = {f: np.mean([[scores[f, d, s] for s in range(5)] for d in DOMAINS], axis=0) for f in LEVELS}
    low, high = stats.t.interval(1 - 0.05 / 3, 4, *_mean_and_error(own["attention"] - own["sum"]))
    assert (lead.low, lead.high) == (pytest.approx(low), pytest.approx(high))
    assert found.may_be_best == ("attention",)


def _mean_and_error(values):
    return values.mean(), stats.sem(values)
