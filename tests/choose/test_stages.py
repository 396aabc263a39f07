"""The stages of a race: who goes on, what the budget allows, one look at the test set, and going on."""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.choose import stages
from bench.choose.answer import answer_of
from bench.choose.deliver import choose
from bench.choose.race import FIRST_LOOK
from bench.choose.stages import State, race
from bench.errors import UsageError
from bench.sweep.config import load_config


def ran(sweeps: Any) -> dict[str, list[int]]:
    """Replicates by stage."""
    found: dict[str, list[int]] = defaultdict(list)
    for stage, _, numbers in sweeps.asked:
        found[stage] += numbers
    return found


def test_a_bad_one_is_dropped_a_tie_stays_and_the_test_is_on_new_replicates(run: Any, sweeps: Any) -> None:
    sweeps.levels = {"sum": 0.6, "concat": 0.79}
    state: State = run(budget="5m", fusion="abs_diff,hadamard,sum")
    assert state.final is state.screening
    assert state.final is not None
    assert state.final.left["sum"].after == FIRST_LOOK
    assert set(state.final.staying) == {"abs_diff", "hadamard"}
    assert state.look is not None
    assert state.look.is_fresh
    assert set(state.look.fusions) == {"abs_diff", "hadamard", "sum", "concat"}
    race, test = ran(sweeps)["screening"], ran(sweeps)["test"]
    assert not set(race) & set(test)
    assert sweeps.asked[-1][0] == "test"
    assert sweeps.now <= 300


def test_finalists_run_on_replicates_that_screening_has_not_seen(run: Any, sweeps: Any) -> None:
    sweeps.levels = {"sum": 0.6, "abs_diff": 0.805}
    state = run(protocol="finetune", budget="10m")
    assert state.screening is not None
    assert "sum" in state.screening.left
    assert [len(state.final.entered), state.protocol] == [2, "finetune"]
    assert set(state.set_aside) | set(state.final.entered) == set(state.screening.staying)
    stages = ran(sweeps)
    assert not set(stages["screening"]) & set(stages["finalists"])
    assert not set(stages["finalists"]) & set(stages["test"])


def test_a_few_are_finalists_at_once_even_what_cannot_be_frozen(run: Any, sweeps: Any) -> None:
    state = run(protocol="finetune", fusion="abs_diff,two_channel", budget="2m")
    assert state.screening is None
    assert state.final.entered == ("abs_diff", "two_channel")
    state = run(protocol="frozen", fusion="abs_diff,two_channel,sum", budget="2m", out=f"{state.question.out}2")
    assert state.final.entered == ("abs_diff", "sum")
    assert "encodes each image by itself" in state.field.not_tried["two_channel"]


def test_what_cannot_be_screened_is_told_how_it_takes_part(run: Any, sweeps: Any, tmp_path: Path) -> None:
    fusions = "abs_diff,two_channel,sum"
    state = run(protocol="finetune", fusion=fusions, budget="2m")
    way = "screening is frozen, and naming at most 2 fusions, or --finalists 3, fine-tunes all without it"
    assert state.field.not_tried["two_channel"].endswith(way)
    more = run(protocol="finetune", fusion=fusions, budget="2m", finalists=3, out=str(tmp_path / "more"))
    assert more.final.entered == ("abs_diff", "two_channel", "sum")
    frozen = run(protocol="frozen", fusion=fusions, budget="2m", out=str(tmp_path / "frozen"))
    assert "--finalists" not in frozen.field.not_tried["two_channel"]


@pytest.mark.parametrize(("budget", "tested"), [("35s", 0), ("2m", 3), ("4m", 6), ("30m", 10)])
def test_nothing_is_started_that_would_not_fit(run: Any, sweeps: Any, budget: str, tested: int) -> None:
    sweeps.levels = {"sum": 0.802}
    state = run(fusion="abs_diff,sum", budget=budget, equivalence_margin=0.001)
    assert sweeps.now <= state.question.budget
    assert (state.look.replicates if state.look else 0) >= tested
    assert len(ran(sweeps)["test"]) <= 10
    assert state.minutes == pytest.approx(sweeps.now / 60)


def test_without_time_for_a_test_there_is_as_much_race_as_fits(run: Any, sweeps: Any) -> None:
    state = run(fusion="abs_diff,hadamard,sum", protocol="finetune", budget="19s", baseline="")
    assert state.look is None
    assert ran(sweeps) == {"screening": [0], "finalists": [1]}
    assert "was not looked at yet" in str(answer_of(state))
    more = run(fusion="abs_diff,hadamard,sum", protocol="finetune", budget="3m", baseline="")
    assert more.look is not None
    assert "so far" not in str(answer_of(more))


@pytest.mark.parametrize("budget", ["9s", "12s", "20s", "25s"])
@pytest.mark.parametrize("protocol", ["frozen", "finetune"])
def test_without_a_test_a_budget_is_named_that_gives_one(run: Any, sweeps: Any, budget: str, protocol: str) -> None:
    settings: dict[str, Any] = {"fusion": "abs_diff,hadamard", "protocol": protocol, "save": "best"}
    state = run(**settings, budget=budget, equivalence_margin=0.001)
    assert state.look is None
    last = str(answer_of(state)).rstrip().splitlines()[-1]
    said = r"No model is kept yet: one replicate took 0\.\d\d minutes, so about `--budget (\d+[sm])` gives a test\."
    found = re.fullmatch(said, last)
    assert found
    more = run(**settings, budget=found[1], equivalence_margin=0.001)
    assert more.look is not None
    assert "is kept yet" not in str(answer_of(more))


def test_without_finalists_and_interrupted_no_budget_is_made_up(run: Any, sweeps: Any, tmp_path: Path) -> None:
    screened = answer_of(run(fusion="abs_diff,hadamard,sum", protocol="finetune", budget="9s", save="best"))
    assert "No model is kept yet: no finalist has finished a replicate; a larger `--budget` goes on." in str(screened)
    sweeps.forget()
    sweeps.interrupted_at = 2
    cut = answer_of(run(fusion="abs_diff,hadamard", budget="4m", out=str(tmp_path / "cut")))
    assert str(cut).endswith("No test was run yet: the same command goes on.\n")


def test_both_numbers_of_the_budget_are_told_alike(run: Any, sweeps: Any, tmp_path: Path) -> None:
    assert "; 0.13 of 0.15 minutes were used" in str(answer_of(run(fusion="abs_diff,hadamard", budget="9s")))
    sweeps.forget()
    assert re.search(r"; \d\.\d of 10\.0 minutes were used", str(answer_of(run(out=str(tmp_path / "long")))))


def test_one_that_fails_leaves_and_is_named(run: Any, sweeps: Any) -> None:
    sweeps.failing = {("sum", 1): "loss is nan"}
    state = run(fusion="abs_diff,hadamard,sum", budget="3m")
    assert state.final.left["sum"].reason == "diverged: loss is nan"
    assert "sum" not in state.look.fusions
    assert "`sum` (diverged)" in str(answer_of(state))


@pytest.mark.parametrize("protocol", ["frozen", "finetune"])
def test_where_all_fail_there_is_no_answer(ask: Any, sweeps: Any, protocol: str) -> None:
    names = ("abs_diff", "hadamard", "sum")
    sweeps.failing = {(name, number): "nan" for name in names for number in range(3)}
    said = io.StringIO()
    text, code = choose(ask(fusion=names, budget="1m", protocol=protocol), ["bench"], Console(file=said))
    assert (text, code) == ("", 3)
    assert "no answer" in said.getvalue()


@pytest.mark.parametrize("at", [0, 2, 6, 13])
def test_interrupted_it_answers_so_far_and_goes_on_to_the_same_answer(
    run: Any, sweeps: Any, at: int, tmp_path: Path
) -> None:
    sweeps.levels = {"sum": 0.6, "abs_diff": 0.801}
    settings: dict[str, Any] = {"budget": "4m", "equivalence_margin": 0.1}
    whole = run(**settings, out=str(tmp_path / "whole"))
    sweeps.forget()
    sweeps.interrupted_at = at
    cut = run(**settings)
    assert cut.exit_code == 130
    so_far = answer_of(cut)
    assert (so_far is None) == (at == 0)
    assert so_far is None or "so far" in str(so_far)
    sweeps.interrupted_at = None
    done = run(**settings)
    assert done.exit_code == 0
    assert done.final.left == whole.final.left
    assert answer_of(done).chosen == answer_of(whole).chosen
    asked = len(sweeps.asked)
    again = run(**settings)
    assert len(sweeps.asked) == asked
    assert str(answer_of(again)) == str(answer_of(done))


def test_after_the_test_no_budget_opens_the_race_again(run: Any, sweeps: Any) -> None:
    before = run(budget="3m", equivalence_margin=0.001)
    asked = len(sweeps.asked)
    after = run(budget="3h", equivalence_margin=0.001)
    assert len(sweeps.asked) == asked
    assert answer_of(after).chosen == answer_of(before).chosen


def test_another_question_is_refused_in_its_folder(run: Any, sweeps: Any) -> None:
    run(budget="1m")
    with pytest.raises(UsageError, match=r'holds a race with select "auc", not "accuracy"'):
        run(budget="1m", select="accuracy")
    run(budget="2m", cost="params")


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (("hadamard",), "other code of hadamard"),
        (("abs_diff", "concat", "hadamard", "sum"), "other images or of other code"),
    ],
)
def test_a_race_whose_code_or_images_have_changed_is_refused(
    run: Any, sweeps: Any, tmp_path: Path, others: tuple[str, ...], said: str
) -> None:
    run(budget="1m")
    asked, clock = len(sweeps.asked), tmp_path / "race" / "race.json"
    facts = json.loads(clock.read_text())
    clock.write_text(json.dumps(facts | {"cells": facts["cells"] | dict.fromkeys(others, "0" * 16)}))
    with pytest.raises(UsageError, match=f"holds a race on {said}; choose another --out"):
        run(budget="1m")
    assert len(sweeps.asked) == asked


def test_records_without_their_clock_lend_themselves_to_no_other_race(run: Any, sweeps: Any, tmp_path: Path) -> None:
    run(budget="1m")
    (tmp_path / "race" / "race.json").unlink()
    with pytest.raises(UsageError, match=r"holds records of a race without its race\.json"):
        run(budget="1m")


def test_what_is_asked_is_written_before_the_first_record(
    run: Any, sweeps: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def watched(*args: Any) -> int:
        written.append((tmp_path / "race" / "race.json").exists())
        return int(sweeps(*args))

    monkeypatch.setattr(stages, "run_sweep", watched)
    run(budget="1m")
    assert written[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"budget": "soon"}, "--budget: 'soon' is not a duration"),
        ({"budget": "0m"}, "--budget: '0m' leaves no time"),
        ({"select": "criterion"}, "--select: unknown 'criterion'"),
        ({"select": "swap_gap"}, "--select: unknown 'swap_gap'"),
        ({"cost": "money"}, "--cost: unknown 'money'"),
        ({"protocol": "scratch"}, "--protocol scratch: a race screens"),
        ({"domain": "color,texture"}, "expected one"),
        ({"baseline": "conkat"}, "--baseline: unknown fusion 'conkat'"),
        ({"fusion": "abs_diff"}, "a race needs two fusions that apply, found 1"),
        ({"fusion": "abs_diff,two_channel"}, "found 1: two_channel: the frozen protocol"),
    ],
)
def test_bad_input_is_one_line(run: Any, sweeps: Any, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as error:
        run(**changes)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert not sweeps.asked


def test_of_a_short_list_is_said_first_how_many_test_pairs_it_has(ask: Any, sweeps: Any, listed: Any) -> None:
    told = io.StringIO()
    question = ask(domain=listed("long", [0, 1] * 150), test_pairs=100, budget="1m")
    race(question, ["bench", "choose"], Console(file=told, width=1_000))
    said = told.getvalue()
    assert re.search(r"^  pairs:\S+: has \d\d test pairs, half of them same, and 100 are tested: ", said)
    assert sweeps.asked


@pytest.mark.parametrize(
    ("same", "different", "said"),
    [(4, 40, "only 4 same pairs"), (40, 7, "only 7 different pairs"), (9, 8, "only 9 same and 8 different pairs")],
)
def test_of_a_list_that_is_too_short_is_said_which_pairs_it_lacks(
    run: Any, sweeps: Any, listed: Any, same: int, different: int, said: str
) -> None:
    parts = ["test"] * (same + different) + ["train"] * 24 + ["val"] * 24
    domain = listed("short", [1] * same + [0] * different + [0, 1] * 24, parts)
    with pytest.raises(UsageError, match=rf"list\.csv: {said} fall to testing, and a race needs 10 same and 10 diff"):
        run(domain=domain)
    assert not sweeps.asked


def test_a_damaged_clock_is_said(run: Any, sweeps: Any, tmp_path: Path) -> None:
    run(budget="1m")
    (tmp_path / "race" / "race.json").write_text("{")
    with pytest.raises(UsageError, match=r"race\.json: not readable"):
        run(budget="1m")


def test_a_real_race_leaves_what_trains_its_winner(ask: Any, tmp_path: Path) -> None:
    """The one test with real sweeps: two cells and a warm-up, which is what a second has room for."""
    question = ask(fusion="abs_diff,hadamard", budget="1s", protocol="frozen")
    text, code = choose(question, ["bench", "choose"], Console(file=io.StringIO()))
    assert code == 0
    assert text.startswith("Use `")
    assert (tmp_path / "race" / "race.png").read_bytes().startswith(b"\x89PNG")
    chosen = load_config({}, tmp_path / "race" / "chosen.yaml")
    assert chosen.fusion[0] in ("abs_diff", "hadamard")
    assert (chosen.protocol, chosen.domain, chosen.recipe) == ("frozen", ("color",), question.sweep.recipe)
    facts = json.loads((tmp_path / "race" / "race.json").read_text())
    assert facts["seconds"] > 0
