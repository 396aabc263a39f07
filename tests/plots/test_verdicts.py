"""The matrix of verdicts: what stands in its cells, on which colour, and in which order."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from bench.plots.contract import Source
from bench.plots.shades import AT_CHANCE, BETTER, OPEN, TIED, TOO_FEW, WORSE
from bench.plots.verdicts import Verdicts
from bench.records.load import load_runs

LEVELS = {"color": {"good": 0.951, "even": 0.95, "bad": 0.75}, "texture": {"good": 0.7, "even": 0.61}}


@pytest.fixture
def drawn(record, run_folder):
    def draw(seeds=8, noise=0.002, at=LEVELS, **params):
        rng = np.random.default_rng(0)
        records = []
        for domain, levels in at.items():
            for fusion, level in levels.items():
                around = noise * rng.standard_normal(seeds)
                scores = level + around - around.mean()
                records += [record(fusion, seed, float(score), domain=domain) for seed, score in enumerate(scores)]
        source = Source.of(load_runs([run_folder(records)]))
        ((_, job),) = Verdicts(**params).jobs(source, "accuracy", ())
        return job().axes[0]

    return draw


def cells(axis):
    """By domain and fusion the text of a cell and its colour; the last row is how many are tied."""
    heads = [label.get_text() for label in axis.get_xticklabels()]
    names = [label.get_text() for label in axis.get_yticklabels()]
    colors = {(round(one.get_x() + 0.5), round(one.get_y() + 0.5)): to_hex(one.get_facecolor()) for one in axis.patches}
    places = {tuple(map(round, text.get_position())): text.get_text() for text in axis.texts}
    return {(heads[x], names[y]): (text, colors.get((x, y))) for (x, y), text in places.items()}


def test_a_cell_has_the_mean_on_the_colour_of_its_verdict_beside_the_best(drawn):
    found = cells(drawn())
    assert found["color", "good"] == ("0.951 •", TIED.fill.lower())
    assert found["color", "even"] == ("0.950 •", TIED.fill.lower())
    assert found["color", "bad"] == ("0.750", WORSE[3].fill.lower())
    assert found["texture", "even"] == ("0.610", WORSE[2].fill.lower())
    assert found["texture", "bad"] == ("-", None)
    assert [found[domain, "may be the best"][0] for domain in ("color", "texture")] == ["2 of 3", "1 of 2"]


def test_beside_a_baseline_who_is_better_is_blue(drawn):
    assert cells(drawn(baseline="even"))["texture", "good"] == ("0.700 •", BETTER.fill.lower())


def test_what_may_be_the_best_and_is_not_settled_has_a_colour_of_its_own(drawn):
    found = cells(drawn(seeds=4, noise=0.03))
    assert OPEN.fill.lower() in {found["color", name][1] for name in ("good", "even")}


def test_where_nobody_has_learned_nobody_is_worse(drawn):
    found = cells(drawn(noise=0.004, at={"color": {"a": 0.504, "b": 0.5, "c": 0.496}}))
    assert {found["color", name][1] for name in "abc"} == {AT_CHANCE.fill.lower()}
    assert found["color", "may be the best"][0] == "0 of 3"


def test_from_two_seeds_nothing_is_said(drawn):
    found = cells(axis := drawn(seeds=2))
    assert {color for _, color in found.values() if color} == {TOO_FEW.fill.lower()}
    assert "may be the best" not in {name for _, name in found}
    told = " ".join(text.get_text() for text in axis.figure.findobj(Text)).replace("\n", " ")
    assert "the best mean, or too close to it to tell" in told
    assert "95 %" not in told


def test_a_heading_is_broken_between_parameters_where_there_is_no_room(drawn):
    def heads(*domains):
        return [label.get_text() for label in drawn(at=dict.fromkeys(domains, LEVELS["color"])).get_xticklabels()]

    assert heads("color:difficulty=hard") == ["color:difficulty=hard"]
    assert heads("color", "color:difficulty=hard", "digits", "texture", "shapes")[1] == "color:\ndifficulty=hard"


def test_the_note_counts_what_the_means_are_over(record, run_folder):
    # No seed is shared, so that nothing is paired.
    records = [
        record(name, seed, 0.9 + 0.001 * seed) for name, own in (("a", (0, 1, 2)), ("b", (3, 4, 5))) for seed in own
    ]
    ((_, job),) = Verdicts().jobs(Source.of(load_runs([run_folder(records)])), "accuracy", ())
    note = " ".join(" ".join(text.get_text() for text in job().findobj(Text)).split())
    assert "over 3 seeds" in note
    assert "tie group, which holds the best at 95 %" in note


def test_rows_stand_by_mean_rank(drawn):
    assert next(label.get_text() for label in drawn().get_yticklabels()) == "good"
