"""The answer of a race: what it recommends, and that its numbers are those of the records."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.choose.answer import answer_of
from bench.choose.picture import draw_race
from bench.models.files import read_card
from bench.yaml12 import read_yaml


def scores_in(folder: Path) -> dict[str, dict[int, float]]:
    """AUC on test pairs by fusion and replicate, read from the file."""
    found: dict[str, dict[int, float]] = {}
    for record in map(json.loads, (folder / "test" / "records.jsonl").read_text().splitlines()):
        found.setdefault(record["fusion"], {})[record["seed"]] = record["eval"]["color"]["auc"]
    return found


def test_its_numbers_are_those_of_the_test(run: Any, sweeps: Any, tables: Any, tmp_path: Path) -> None:
    sweeps.levels = {"sum": 0.6, "abs_diff": 0.83}
    answer = answer_of(run(fusion="abs_diff,hadamard,sum", budget="10m"))
    assert answer.chosen == "abs_diff"
    scores = {name: np.array([own[n] for n in sorted(own)]) for name, own in scores_in(tmp_path / "race").items()}
    own = scores["abs_diff"]
    half = stats.t.ppf(0.975, len(own) - 1) * stats.sem(own)
    assert f"auc {own.mean():.3f} ± {half:.3f} on 32 test pairs in each of {len(own)} replicates" in str(answer)
    ((*rows,),) = tables(str(answer))
    by_name = {row["fusion"].strip("*"): row for row in rows}
    assert set(by_name) == {"abs_diff", "hadamard", "sum", "concat"}
    for name in ("hadamard", "concat"):
        difference = 100 * (scores[name] - own).mean()
        assert by_name[name]["minus chosen"] == f"{difference:+.2f}"
        assert by_name[name]["verdict"] == "worse"
    assert "Nothing ties with it" in str(answer)


@pytest.mark.parametrize(("cost", "chosen"), [("none", ""), ("params", "hadamard"), ("infer_ms", "concat")])
def test_among_those_that_tie_the_cheapest_is_chosen(run: Any, sweeps: Any, cost: str, chosen: str) -> None:
    sweeps.costs = {"hadamard": {"parameters": 5}, "concat": {"infer_pairs_per_s": 9e9}}
    answer = answer_of(run(fusion="abs_diff,hadamard,concat", budget="2m", cost=cost))
    assert {answer.chosen, *answer.ties} == {"abs_diff", "hadamard", "concat"}
    assert answer.chosen == (chosen or answer.course.staying[0])


def test_one_that_fails_in_the_test_is_not_chosen(run: Any, sweeps: Any, tmp_path: Path) -> None:
    names = ("abs_diff", "hadamard", "concat")
    settings: dict[str, Any] = {"fusion": names, "budget": "2m", "equivalence_margin": 0.001}
    best = answer_of(run(**settings)).chosen
    numbers = run(**settings).look.numbers
    sweeps.failing = {(best, numbers[0]): "loss is nan"}
    sweeps.forget()
    answer = answer_of(run(**settings, out=str(tmp_path / "again")))
    assert answer.chosen != best
    assert f"`{best}` (diverged in the test)" in str(answer)


def test_where_all_are_at_chance_none_is_recommended(run: Any, sweeps: Any) -> None:
    sweeps.levels = dict.fromkeys(("abs_diff", "hadamard", "concat"), 0.5)
    for budget in ("25s", "3m"):
        answer = answer_of(run(fusion="abs_diff,hadamard", budget=budget))
        assert str(answer).startswith("None can be recommended: even `")


def test_what_it_writes_trains_what_it_chose(run: Any, sweeps: Any) -> None:
    answer = answer_of(run(fusion="abs_diff,hadamard", budget="2m", domain_params={"difficulty": "hard"}))
    settings = read_yaml(answer.config)
    assert settings["fusion"] == [answer.chosen]
    assert settings["domain_params"] == {"difficulty": "hard"}
    assert settings["warmup_recipe"] == {"images": 128, "batch_size": 32}


def test_the_picture_has_a_panel_per_stage_and_a_cross_per_fusion_that_left(run: Any, sweeps: Any) -> None:
    sweeps.levels = {"sum": 0.6}
    answer = answer_of(run(protocol="finetune", budget="5m"))
    screening, race = draw_race(answer).axes
    assert {text.get_text() for text in screening.texts} == {"abs_diff", "concat", "hadamard", "sum"}
    assert {text.get_text() for text in race.texts} == set(answer.state.final.entered)
    (line,) = [line for line in screening.lines if len(line.get_xdata()) == 4 and line.get_ydata()[-1] < 0.7]
    sums = [answer.state.screening.values[: n + 1, 3].mean() for n in range(4)]
    assert np.allclose(line.get_ydata(), sums)
    assert [scatter for scatter in screening.collections if len(scatter.get_offsets()) == 1]


def test_a_crowded_picture_names_the_best(run: Any, sweeps: Any) -> None:
    """Of a metric of which less is better, too."""
    names = ["abs_diff", "hadamard", "concat", "sum", "cosine", "neg_l2", "signed_diff", "heuristic", "gated", "mlb",
             "mutan", "bilinear", "mahalanobis", "multi_cosine", "ntn", "low_rank_bilinear"]  # fmt: skip
    answer = answer_of(run(fusion=names, budget="40s", select="brier"))
    (panel,) = draw_race(answer).axes
    shown = {text.get_text() for text in panel.texts}
    assert shown == set(answer.course.ranked[:8])


def test_names_lie_within_their_panel_and_apart(run: Any, sweeps: Any) -> None:
    """After one replicate, of which most scores are at one end."""
    names = ["abs_diff", "hadamard", "concat", "sum", "cosine", "neg_l2", "signed_diff", "heuristic", "gated", "mlb",
             "mutan", "bilinear", "mahalanobis", "low_rank_bilinear:rank=16"]  # fmt: skip
    sweeps.levels = {"sum": 0.6}
    figure = draw_race(answer_of(run(fusion=names, budget="30s")))
    figure.canvas.draw()
    (panel,) = figure.axes
    box, boxes = panel.get_window_extent(), [text.get_window_extent() for text in panel.texts]
    assert len(boxes) == 8
    assert panel.get_ylim()[1] < 1.05
    assert all(box.x0 < one.x0 and one.x1 < box.x1 and box.y0 < one.y0 and one.y1 < box.y1 for one in boxes)
    assert all(one.y0 > other.y1 or other.y0 > one.y1 for one, other in combinations(boxes, 2))


def test_one_that_left_and_wins_the_test_is_not_called_worse_than_itself(run: Any, sweeps: Any) -> None:
    sweeps.levels = {"sum": 0.6}
    answer = answer_of(run(fusion="abs_diff,hadamard,sum", budget="10m"))
    returned = replace(answer, chosen=answer.course.runner_up, ties=())
    assert f"the nearest, `{returned.chosen}`" not in str(returned)


def test_it_names_the_model_that_the_test_kept(run: Any, sweeps: Any, kept: Path, tmp_path: Path) -> None:
    sweeps.levels = {"concat": 0.9}
    state = run(fusion="abs_diff,hadamard,concat", budget="10m", save="best")
    assert "bench predict" not in str(answer_of(state))
    shutil.copytree(kept / "models", tmp_path / "race" / "test" / "models")
    answer = answer_of(state)
    assert answer.chosen == "concat"
    (file,) = re.findall(r"The best replicate in validation is kept: `bench predict (\S+) a.png b.png`", str(answer))
    assert read_card(Path(file)).cell.fusion == "concat"
    for stage, asked in (("screening", "none"), ("test", "best")):
        assert json.loads((tmp_path / "race" / stage / "run.json").read_text())["config"]["save"] == asked


def test_of_a_short_list_the_distinct_test_pairs_are_told(run: Any, sweeps: Any, listed: Any) -> None:
    settings: dict[str, Any] = {"fusion": "abs_diff,hadamard", "budget": "10m", "test_pairs": 1000}
    parts = [part for part in ("train", "val", "test") for _ in range(24)]
    given = str(answer_of(run(**settings, domain=listed("given", [0, 1] * 36, parts))))
    assert "on the same 24 distinct test pairs (1,000 were drawn) in each of" in given
    assert "new to the race. All replicates have the same images in the same parts: what is shared enters" in given


def test_of_a_list_that_is_dealt_anew_replicates_share_no_parts(
    run: Any, sweeps: Any, listed: Any, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"fusion": "abs_diff,hadamard", "budget": "10m", "domain": listed("dealt", [0, 1] * 75)}
    many = str(answer_of(run(**settings, test_pairs=1000)))
    assert re.search(r" on \d\d( to \d\d)? distinct test pairs \(1,000 were drawn\) in each of", many)
    assert "same parts" not in many
    sweeps.forget()
    few = str(answer_of(run(**settings, test_pairs=16, out=str(tmp_path / "few"))))
    assert " on 16 test pairs in each of" in few


def test_who_failed_in_the_test_is_not_said_to_be_worse(run: Any, sweeps: Any) -> None:
    sweeps.levels = {"sum": 0.6}
    answer = answer_of(run(fusion="abs_diff,hadamard,sum", budget="10m"))
    other = next(one for one in ("abs_diff", "hadamard") if one != answer.chosen)
    text = str(replace(answer, ties=(), unfinished=(other,)))
    assert f"Nothing that finished ties with it; `{other}`, not told to be worse, failed in the test" in text


def test_what_was_not_in_the_race_has_no_mean_of_it(run: Any, sweeps: Any) -> None:
    course = answer_of(run(fusion="abs_diff,hadamard", budget="2m")).course
    assert np.isnan(course.mean("concat"))
