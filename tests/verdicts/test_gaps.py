import numpy as np
import pytest
from scipy import stats

from bench.records.entries import entries_of
from bench.records.load import load_runs, pool
from bench.records.sections import sections_of
from bench.verdicts.gaps import contrasts, gaps_of

NOVEL = "color:shift=novel"


@pytest.fixture
def section(run_folder):
    """The only table of some records."""

    def read(records):
        (found,) = sections_of(entries_of(pool(load_runs([run_folder(records)])).cells))
        return found

    return read


@pytest.fixture
def reversed_order(record):
    """Four fusions whose order on new shapes is the reverse of that on the ones trained on."""
    rng = np.random.default_rng(0)
    levels = {"attention": (0.97, 0.89), "concat": (0.96, 0.88), "neg_l2": (0.92, 0.9), "cosine": (0.928, 0.927)}
    return [
        record(name, seed, float(seen + rng.normal(0, 0.004)), abroad={NOVEL: float(new + rng.normal(0, 0.004))})
        for name, (seen, new) in levels.items()
        for seed in range(8)
    ]


def values_of(records, name, domain):
    return np.array([one["eval"][domain]["accuracy"] for one in records if one["fusion"] == name])


def test_gaps_are_judged_as_scipy_and_holm_judge_them(reversed_order, section):
    (gap,) = gaps_of(section(reversed_order), "accuracy", 0.01, "concat")
    names = ("attention", "concat", "neg_l2", "cosine")
    own = {name: values_of(reversed_order, name, NOVEL) - values_of(reversed_order, name, "color") for name in names}
    p = {name: stats.ttest_1samp(values, 0).pvalue for name, values in own.items()}
    ordered = sorted(p, key=p.get)
    steps = np.minimum(np.maximum.accumulate([p[name] * (4 - place) for place, name in enumerate(ordered)]), 1)
    holm = dict(zip(ordered, steps, strict=True))
    for verdict in gap.own:
        assert verdict.paired.mean == pytest.approx(own[verdict.fusion].mean())
        assert verdict.p_holm == pytest.approx(holm[verdict.fusion])
    assert {one.fusion: one.word for one in gap.own} == {
        "attention": "worse", "concat": "worse", "neg_l2": "worse", "cosine": "equivalent",
    }  # fmt: skip
    against = {one.fusion: one for one in gap.against}
    assert {name: one.word for name, one in against.items()} == {
        "attention": "equivalent", "neg_l2": "better", "cosine": "better",
    }  # fmt: skip
    low, high = stats.ttest_rel(own["cosine"], own["concat"]).confidence_interval(0.95)
    assert (against["cosine"].paired.low, against["cosine"].paired.high) == pytest.approx((low, high))


def test_only_runs_that_may_be_paired_are_compared_with_the_baseline(reversed_order, section):
    for one in reversed_order:
        if (one["fusion"], one["seed"]) == ("cosine", 3):
            one["warmup"] = {**one["warmup"], "quality": 0.5}
        if (one["fusion"], one["seed"]) == ("concat", 5):
            del one["eval"][NOVEL]
    (gap,) = gaps_of(section(reversed_order), "accuracy", 0.01, "concat")
    assert {one.fusion: one.paired.n for one in gap.own} == {"attention": 8, "concat": 7, "neg_l2": 8, "cosine": 8}
    assert {one.fusion: one.paired.n for one in gap.against} == {"attention": 7, "neg_l2": 7, "cosine": 6}


def test_quarters_are_told_as_classes_and_groups_and_other_domains_by_their_names(record, section):
    home = "folder:path=x"
    domains = {"novel_both": home, "seen": f"{home}:shift=seen", "novel": f"{home}:shift=novel"}
    rows = []
    for seed in range(3):
        made = record(seed=seed, domain=home, abroad=dict.fromkeys([*list(domains.values())[1:], "texture"], 0.9))
        for name, domain in domains.items():
            made["eval"][domain]["quarter"] = name
        rows.append(made)
    assert {one.name: one.pairs for one in contrasts(section(rows))} == {
        "new classes": ((domains["novel"], domains["seen"]),),
        "new groups": ((home, domains["novel"]),),
        "texture": (("texture", home),),
    }


def test_a_metric_without_a_better_direction_has_no_gaps(reversed_order, section):
    assert gaps_of(section(reversed_order), "p_same", 0.01) == []
