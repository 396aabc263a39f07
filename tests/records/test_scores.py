"""Stored scores of test pairs that all seeds share enter intervals and verdicts; without them nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.errors import UsageError
from bench.metrics import metric_position
from bench.records.entries import Entry, entries_of
from bench.records.load import load_runs, pool
from bench.records.scores import StoredScores, read_scores
from bench.records.sections import sections_of
from bench.records.ties import tie_groups
from bench.report import quarters_block
from bench.verdicts.effects import effects_of
from bench.verdicts.gaps import gaps_of
from bench.verdicts.verdicts import compare_to_baseline

PAIRS = 400
LABEL = np.arange(PAIRS) % 2
SEEDS = range(4)
# Share of right answers by fusion, and how far it moves from seed to seed.
LEVELS = {"good": 0.80, "alike": 0.78}


@pytest.fixture
def run(record: Any, run_folder: Callable[..., Path]) -> Callable[..., Path]:
    """A run folder with the scores of two fusions over four seeds."""

    def make(**fields: Any) -> Path:
        generator, records = np.random.default_rng(0), []
        hard = generator.random(PAIRS)
        scores = {}
        for fusion, level in LEVELS.items():
            # What is hard for both, for this one, and by chance.
            own_view = 0.6 * hard + 0.38 * generator.random(PAIRS)
            for seed in SEEDS:
                right = own_view + 0.02 * generator.random(PAIRS) < level
                key = f"{len(records):016x}"
                records.append(record(fusion, seed, float(right.mean()), **fields) | {"key": key})
                scores[key] = np.where(right, 1.0, -1.0) * np.where(LABEL == 1, 1, -1)
        folder = run_folder(records)
        (folder / "scores").mkdir()
        for key, values in scores.items():
            np.savez(folder / "scores" / f"{key}.npz", **{"color": values, "color/label": LABEL})
        return folder

    return make


def entries(folder: Path) -> tuple[Entry, ...]:
    runs = load_runs([folder])
    return entries_of(pool(runs).cells, StoredScores(runs))


def right_answers(folder: Path, fusion: str) -> Any:
    place = list(LEVELS).index(fusion) * len(SEEDS)
    found = [np.load(folder / "scores" / f"{place + seed:016x}.npz") for seed in SEEDS]
    return np.array([(one["color"] > 0) == (one["color/label"] == 1) for one in found], dtype=float)


def variance_of_pairs(values: Any) -> float:
    """Of the mean of a value per pair, over draws with as many same pairs as different ones."""
    centred = values - np.array([values[label == LABEL].mean() for label in (0, 1)])[LABEL]
    return float((centred**2).sum() / PAIRS**2 * PAIRS / (PAIRS - 1))


def interval(values: Any, shared: float) -> float:
    own = values.var(ddof=1) / len(values)
    freedom = (own + shared) ** 2 / (own**2 / (len(values) - 1) + shared**2 / (PAIRS - 1))
    return float(stats.t.ppf(0.975, freedom) * np.sqrt(own + shared))


def test_the_interval_of_a_mean_holds_for_other_pairs(run: Callable[..., Path]) -> None:
    folder = run()
    for entry in entries(folder):
        right = right_answers(folder, entry.group.fusion)
        expected = interval(right.mean(axis=1), variance_of_pairs(right.mean(axis=0)))
        assert entry.half_width("color", "accuracy") == pytest.approx(expected)


def test_the_interval_of_a_difference_knows_that_both_saw_the_same_pairs(run: Callable[..., Path]) -> None:
    folder = run()
    (verdict,) = compare_to_baseline(entries(folder), "alike", "accuracy", "color")
    apart = right_answers(folder, "good") - right_answers(folder, "alike")
    expected = interval(apart.mean(axis=1), variance_of_pairs(apart.mean(axis=0)))
    assert verdict.paired.high - verdict.paired.mean == pytest.approx(expected)


def test_who_ties_depends_on_the_pairs_that_were_drawn(run: Callable[..., Path]) -> None:
    folder = run()
    with_scores, without = entries(folder), entries_of(pool(load_runs([folder])).cells)
    names = [entry.group.fusion for entry in without]
    assert not tie_groups(without, "color", ["accuracy"])[names.index("alike")].any()
    assert tie_groups(with_scores, "color", ["accuracy"]).all()


WRONG = {
    "text": {"color": np.full(PAIRS, "a")},
    "not finite": {"color": np.full(PAIRS, np.nan)},
    "fewer scores than labels": {"color": np.ones(PAIRS - 1)},
    "no pairs": {"color": np.ones(0), "color/label": np.ones(0)},
    "a table of scores": {"color": np.ones((PAIRS, 2))},
    "units of other pairs": {"color/units": np.ones((PAIRS - 1, 2), int)},
    "units of one image": {"color/units": np.ones(PAIRS, int)},
}


@pytest.mark.parametrize("loss", ["no file", "damage", "another number of pairs", "no labels", *WRONG])
def test_what_cannot_be_read_is_left_out(run: Callable[..., Path], loss: str) -> None:
    folder = run()
    file = folder / "scores" / f"{0:016x}.npz"
    if loss == "no file":
        file.unlink()
    elif loss == "damage":
        file.write_bytes(file.read_bytes()[:100])
    elif loss == "another number of pairs":
        np.savez(file, **{"color": np.ones(7), "color/label": np.ones(7)})
    elif loss in WRONG:
        np.savez(file, **{"color": np.ones(PAIRS), "color/label": np.ones(PAIRS), **WRONG[loss]})
        with pytest.raises(UsageError, match=rf"^{file}: color"):
            read_scores(file)
    else:
        np.savez(file, color=np.ones(PAIRS))
    widths = {entry.group.fusion: entry.half_width("color", "accuracy") for entry in entries(folder)}
    plain = {entry.group.fusion: entry for entry in entries_of(pool(load_runs([folder])).cells)}
    assert widths["good"] == plain["good"].half_width("color", "accuracy")
    assert widths["alike"] > plain["alike"].half_width("color", "accuracy")


def test_replicates_have_it_in_their_spread(run: Callable[..., Path]) -> None:
    folder = run(repeats="replicate")
    for entry in entries(folder):
        values = [cell.eval["color"].values[metric_position("accuracy")] for cell in entry.finished]
        assert entry.half_width("color", "accuracy") == pytest.approx(interval(np.array(values), 0.0))


def test_what_fusions_part_by_on_these_pairs_alone_is_not_due_to_them(run: Callable[..., Path]) -> None:
    folder = run()
    with_scores, without = entries(folder), entries_of(pool(load_runs([folder])).cells)
    known, plain = (effects_of(found, ["color"], "accuracy") for found in (with_scores, without))
    assert known is not None
    assert plain is not None
    apart = right_answers(folder, "good") - right_answers(folder, "alike")
    by_pairs = min(variance_of_pairs(apart.mean(axis=0)) / 2, plain.variances["fusion"])
    assert known.variances["fusion x test pairs"] == pytest.approx(by_pairs)
    assert known.variances["fusion"] == pytest.approx(plain.variances["fusion"] - by_pairs, abs=1e-12)
    assert known.reliability < plain.reliability


def test_a_gap_has_one_interval_wherever_it_stands(record: Any, run_folder: Callable[..., Path]) -> None:
    generator, away = np.random.default_rng(1), "color:shift=novel"
    records, scores = [], {}
    for seed in SEEDS:
        right = {"color": generator.random(PAIRS) < 0.9, away: generator.random(PAIRS) < 0.7}
        means = {domain: float(own.mean()) for domain, own in right.items()}
        one = record("good", seed, means["color"], abroad={away: means[away]}) | {"key": f"{seed:016x}"}
        one["eval"]["color"]["quarter"], one["eval"][away]["quarter"] = "seen", "novel"
        records.append(one)
        signs = np.where(LABEL == 1, 1.0, -1.0)
        stored = {domain: np.where(own, signs, -signs) for domain, own in right.items()}
        scores[one["key"]] = stored | {f"{domain}/label": LABEL for domain in right}
    folder = run_folder(records)
    (folder / "scores").mkdir()
    for key, arrays in scores.items():
        np.savez(folder / "scores" / f"{key}.npz", **arrays)
    (section,) = sections_of(entries(folder))
    (gap,) = gaps_of(section, "accuracy", 0.01)
    (row,) = quarters_block.as_dicts(section, "accuracy")
    told = gap.own[0].paired
    assert row["new_classes"]["half_width"] == pytest.approx(told.high - told.mean)
    apart = np.array([[(own[d] > 0) == (LABEL == 1) for d in (away, "color")] for own in scores.values()], dtype=float)
    shared = sum(variance_of_pairs(apart[:, side].mean(axis=0)) for side in (0, 1))
    gaps = apart.mean(axis=2) @ [1, -1]
    assert told.high - told.mean == pytest.approx(interval(gaps, shared))
