"""What a report says about fusions that are matched in parameters."""

import json

SIZED = {"fusion": "concat:head=96", "parameters": 24_769, "budget": 25_000, "tolerance": 0.05, "problem": ""}
MISSED = {**SIZED, "fusion": "cosine", "parameters": 2, "problem": "it has no size to choose"}


def test_the_caption_states_the_budget_and_the_list_who_missed_it(record, run_folder, bench_report) -> None:
    folder = run_folder(
        [record("concat:head=96", matching=SIZED)] + [record("cosine", seed, matching=MISSED) for seed in range(2)]
    )
    text = bench_report(folder).stdout
    assert "fusion and head sized to 25,000 parameters ± 5 %" in " ".join(text.split())
    line = "cosine × mobilenetv3_small_32: 2 parameters, it has no size to choose"
    assert f"Not matched in parameters:\n\n- {line}\n" in text
    (section,) = json.loads(bench_report(folder, "--format", "json").stdout)["sections"]
    assert section["unmatched"] == [line]


def test_two_budgets_are_both_stated(record, run_folder, bench_report) -> None:
    records = [record("a", matching=SIZED), record("b", matching={**SIZED, "budget": 9_000, "tolerance": 0.025})]
    text = " ".join(bench_report(run_folder(records)).stdout.split())
    assert "sized to 9,000 parameters ± 2.5 % and 25,000 parameters ± 5 %" in text


def test_a_report_of_fusions_as_they_are_speaks_of_no_budget(record, run_folder, bench_report) -> None:
    text = bench_report(run_folder([record()])).stdout
    assert "sized to" not in text
    assert "Not matched" not in text
