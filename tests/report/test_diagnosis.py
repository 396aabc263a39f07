"""Collapsed cells and cells at chance are explained in the report."""

import json

REASON = (
    "100% of the scores lie above 0, so the answer is same whatever the images (AUC 0.99): all cosines lie between "
    "0.98 and 1.00 because the vectors compared have no negative values; remove the Sigmoid or ReLU before the "
    "similarity and give it a learned scale and bias"
)
NOTE = "the loss ended at 0.693, that of an answer that ignores the images"


def collapsed(record, seed: int):
    """A collapsed cell as a sweep writes it: with its measurements and the reason."""
    measured = record("raw_cosine", seed, 0.5)
    return {**measured, "status": "collapsed", "error": {"type": "CollapsedError", "message": REASON}}


def test_the_reason_of_a_collapse_stands_among_the_failures_in_full(record, run_folder, bench_report) -> None:
    folder = run_folder([record(), collapsed(record, 0), collapsed(record, 1)])
    text = bench_report(folder).stdout
    assert f"- raw_cosine × mobilenetv3_small_32, seeds 0, 1: collapsed, `{REASON}`" in text
    (failed,) = json.loads(bench_report(folder, "--format", "json").stdout)["sections"][0]["failed"]
    assert REASON in failed


def test_a_collapsed_cell_counts_as_failed(record, run_folder, bench_report, tables) -> None:
    text = bench_report(run_folder([record(), collapsed(record, 0)])).stdout
    (row,) = [row for row in tables(text)[0] if row["fusion"].startswith("raw_cosine")]
    assert "0.500" not in row.values()


def test_a_cell_at_chance_is_not_learned_and_no_failure(record, run_folder, bench_report) -> None:
    early = [record("early", seed, 0.5, auc=0.5, diagnostics={"note": NOTE}) for seed in (0, 2)]
    control = record("single_image", 0, 0.5, family="control", diagnostics={"loss_is_trivial": True})
    text = bench_report(run_folder([record(), *early, control])).stdout
    assert f"Not learned:\n\n- early × mobilenetv3_small_32, seeds 0, 2: `{NOTE}` (seed 0)\n" in text
    assert "Failed cells" not in text
    assert "single_image × " not in text


def test_records_without_a_diagnosis_need_none(record, run_folder, bench_report) -> None:
    text = bench_report(run_folder([record(), record("early", 0, 0.5)])).stdout
    assert "Not learned:" not in text


def test_what_overfits_is_said_with_from_where_on(record, run_folder, bench_report) -> None:
    cells = [
        record("concat", seed, diagnostics={"overfits_from": 1280 * (1 + seed)} if seed else {}) for seed in range(3)
    ]
    text = bench_report(run_folder(cells)).stdout
    line = "concat × mobilenetv3_small_32, seeds 1, 2: overfits from 2,560 to 3,840 training pairs seen"
    assert f"Overfitted:\n\n- {line}\n" in text
    (found,) = json.loads(bench_report(run_folder(cells), "--format", "json").stdout)["sections"][0]["overfitted"]
    assert found == line
