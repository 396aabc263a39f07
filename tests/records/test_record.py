"""Every field of a record is checked when it is read, and what is wrong is one line that names it."""

import json
from copy import deepcopy
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.metrics import METRICS, SHARE, metric_names, metric_position
from bench.records.folder import RunFolder
from bench.records.lines import read_lines, read_records
from bench.records.record import STATUSES, Attempt, DetailedRecord, Record, checker, parse

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = sorted((ROOT / "tests").glob("**/records.jsonl"))

WARMUP = {"task": "names", "seed": 0, "quality": 0.84, "measure": "accuracy", "seconds": 50.1, "images": 51200}
MATCHING = {"fusion": "mlp:width=3", "parameters": 990, "budget": 1000, "tolerance": 0.02, "problem": ""}
MACHINE = {"cpu": "Test CPU", "cores": 2, "gpus": []}


@pytest.fixture
def whole(record, strata):
    """A record that has every field."""
    one = record(
        role="fusion",
        knows="nothing",
        known_failure="a sigmoid before a cosine",
        warmup=WARMUP,
        matching=MATCHING,
        data={"color": {"version": 1, "content": {"path": "abc"}}},
        execution={"device": "cpu", "memory_format": "channels_last", "seeds_together": 1},
        diagnostics={"embedding_std": 0.9, "note": "at chance"},
        validation={"auc": 0.9, "f1": None},
        measured_on={"machine": MACHINE, "factor": 1.2},
        times={"draw": 0.1, "train": 1.0, "evaluate": 0.2, "total": 1.3},
        stopped_early=False,
        auxiliary={"angle": {"weight": 0.1, "error": 3.5}},
        threshold_from="validation",
    )
    one["eval"]["color"]["strata"] = strata({"hard": 0.4})
    return deepcopy(one)


def read(content, kind=DetailedRecord):
    return checker(kind)(json.dumps(content).encode() + b"\n", "records.jsonl, line 7")


def place(content, path, value):
    """Put ``value`` where ``path`` points to; None for what is to go."""
    *parents, last = path.split(".")
    for name in parents:
        content = content[name]
    if value is None:
        del content[last]
    else:
        content[last] = value


NOT_TEXT, NOT_WHOLE, NOT_COUNT = (1, []), (1.5, "1", True, 10**30), (-1, 1.5, "1", 2**63)
NOT_AMOUNT, NOT_SHARE = (-0.1, "1", float("inf")), (-0.1, 1.1, "0.5", float("nan"))
NOT_NUMBER, NOT_OBJECT = ("1", float("nan"), 1e300, []), (1, "a", [])
BROKEN = {
    "key": ("", None, 5), "status": ("fine", None, 1), "fusion": ("", None, 1), "backbone": ("", None, 1),
    "domain": ("", None, 1), "protocol": ("", None, 1), "recipe_id": ("", None, 1), "seed": (*NOT_WHOLE, None),
    "repeats": ("often", 1),
    "family": NOT_TEXT, "role": ("referee", 1), "knows": NOT_TEXT, "symmetric": ("yes", 1), "finished": NOT_TEXT,
    "known_failure": NOT_TEXT,
    "error": NOT_OBJECT, "recipe": NOT_OBJECT, "recipe.train_pairs": NOT_COUNT, "recipe.batch_size": NOT_COUNT,
    "recipe.budget": NOT_TEXT, "labelled_pairs": NOT_COUNT,
    "warmup": (None, *NOT_OBJECT), "warmup.task": ("", None), "warmup.seed": NOT_WHOLE, "warmup.quality": NOT_NUMBER,
    "warmup.measure": NOT_TEXT, "warmup.seconds": NOT_AMOUNT, "warmup.images": NOT_COUNT,
    "matching.budget": (*NOT_COUNT, None), "matching.tolerance": NOT_NUMBER, "matching.problem": NOT_TEXT,
    "data.color": NOT_OBJECT, "data.color.version": NOT_WHOLE, "data.color.content": NOT_OBJECT,
    "eval": NOT_OBJECT, "eval.color": NOT_OBJECT, "eval.color.n": (*NOT_COUNT, 0, None),
    "eval.color.strata.hard.p_same": NOT_SHARE, "eval.color.cells.circle-circle.accuracy": NOT_SHARE,
    "validation": NOT_OBJECT, "validation.auc": (*NOT_NUMBER[1:], "high"),
    "cost.parameters": NOT_COUNT, "cost.fusion_macs": NOT_COUNT, "cost.train_pairs_per_s": NOT_AMOUNT,
    "cost.uncounted": ([1], "aten::mm"), "execution.seeds_together": NOT_COUNT, "execution.device": NOT_TEXT,
    "diagnostics.note": NOT_TEXT, "measured_on.factor": NOT_AMOUNT, "measured_on.machine": (5, "here"),
    "measured_on.machine.cores": ("two",),
    "times.total": NOT_AMOUNT, "curve": (1, [[1, 2]], [[-1, 0.5, 0.5]]),
    "checks": (1, [1], [{"pairs": -1}]), "stopped_early": (0, "no"),
    "auxiliary": ([], {"angle": 1}), "threshold_from": ("test",),
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value"),
    [(path, value) for path, values in BROKEN.items() for value in values]
    + [
        (f"eval.color.{metric.name}", value)
        for metric in METRICS.classes
        for value in (NOT_SHARE if metric.unit == SHARE else NOT_NUMBER)
    ],
)
def test_a_field_that_is_not_what_it_has_to_be_is_named_with_file_line_and_key(whole, path, value):
    place(whole, path, value)
    with pytest.raises(UsageError) as refused:
        read(whole)
    message = str(refused.value)
    assert "\n" not in message
    assert message.startswith(f"records.jsonl, line 7: record {whole.get('key')}: {path}")


def test_no_number_is_infinite_though_a_text_may_say_so(whole):
    whole["recipe"]["lr_of_old"] = float("nan")
    with pytest.raises(UsageError, match=r"line 7: record \w+: a number in it is not finite"):
        read(whole)
    whole["recipe"]["lr_of_old"] = "NaN or Infinity"
    assert read(whole).key == whole["key"]


def test_every_field_has_a_violation_and_a_description():
    known = {path.partition(".")[0] for path in BROKEN} | {"schema"}
    assert {one.name for one in fields(DetailedRecord) if one.init} == known


def test_a_whole_record_is_read_as_it_stands(whole):
    found = read(whole)
    assert (found.role, found.seed, found.warmup, found.matching) == ("fusion", 0, WARMUP, MATCHING)
    assert found.eval["color"].values[metric_position("accuracy")] == 0.95
    assert found.eval["color"].pairs == 2000
    assert found.eval["color"].kinds == (("hard",), (0.5,), (0.4,))
    assert found.machine.cpu == "Test CPU"
    assert found.curve == ((640, 0.69, 0.5), (6400, 0.1, 0.95))


@given(accuracy=st.floats(0, 1), loss=st.floats(0, 1e9), pairs=st.integers(1, 10**9), seed=st.integers(0, 2**62))
def test_a_number_within_its_range_is_read_to_the_last_digit(record, metrics, accuracy, loss, pairs, seed):
    scores = metrics(accuracy, log_loss=loss, n=pairs) | {"f1": accuracy}
    found = read({**record(eval={"color": scores}), "seed": seed})
    tested = found.eval["color"]
    assert [tested.values[metric_position(name)] for name in ("accuracy", "log_loss")] == [accuracy, loss]
    assert (tested.pairs, found.seed) == (pairs, seed)


@given(accuracy=st.floats(allow_nan=True).filter(lambda value: not -1e-6 <= value <= 1 + 1e-6))
def test_a_share_outside_its_range_is_refused(record, accuracy):
    with pytest.raises(UsageError, match=r"eval\.color\.accuracy: .* is not a share from 0 to 1"):
        read(record(accuracy=accuracy, eval={"color": {"accuracy": accuracy, "n": 1}}))


def test_a_metric_that_is_missing_or_null_is_none_and_an_unknown_one_is_ignored(record):
    values = read(record(eval={"color": {"accuracy": 0.5, "auc": None, "charm": "high", "n": 1}})).eval["color"].values
    assert {name for name, value in zip(metric_names(), values, strict=True) if value is not None} == {"accuracy"}


@pytest.mark.parametrize(
    ("family", "role", "expected"),
    [
        ("reference", None, "reference"),
        ("control", None, "control"),
        ("embedding", None, None),
        ("mine", "control", "control"),
    ],
)
def test_a_record_without_a_role_has_that_of_its_family(record, family, role, expected):
    assert read(record(family=family, **({"role": role} if role else {}))).role == expected


@pytest.mark.parametrize("status", STATUSES)
def test_what_the_writer_writes_is_what_every_reader_reads(whole, record, tmp_path, status):
    failed = {"error": {"type": "ValueError", "message": "first\nsecond", "traceback": "..."}, "eval": {}, "cost": {}}
    fields_written = whole if status == "ok" else {**whole, **failed, "status": status}
    folder = RunFolder(tmp_path)
    with folder.writer() as writer:
        written = writer.write(fields_written)
    assert folder.records(DetailedRecord) == [written]
    (line,) = read_lines(folder.records_file)
    assert parse(*line) == fields_written
    for kind in (Attempt, Record):
        (found,) = folder.records(kind)
        names = [one.name for one in fields(kind)]
        assert [getattr(found, name) for name in names] == [getattr(written, name) for name in names]
    ending = status if status == "ok" else f"{status}: ValueError: first"
    assert (written.status, written.ending) == (status, ending)


@pytest.mark.parametrize("file", COMMITTED, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_committed_file_reads_with_all_its_fields(file):
    records = read_records(file, DetailedRecord).records
    assert len(records) == len(file.read_text().splitlines()) > 0
    known = {one.name for one in fields(DetailedRecord)}
    assert all(parse(*line).keys() <= known for line in read_lines(file))


def test_a_resumed_sweep_runs_again_what_tables_leave_out(record, tmp_path):
    folder = RunFolder(tmp_path)
    folder.records_file.write_text(json.dumps(record(family=5)) + "\n")
    assert folder.records(Attempt) == []


@pytest.mark.parametrize(
    ("known", "status", "note", "expected"),
    [
        ("a sigmoid", "collapsed", "", (True, False)),
        ("a sigmoid", "diverged", "", (True, False)),
        ("a sigmoid", "error", "", (False, False)),
        ("a sigmoid", "killed", "", (False, False)),
        ("a sigmoid", "ok", "", (False, True)),
        ("a sigmoid", "ok", "at chance", (False, False)),
        ("", "collapsed", "", (False, False)),
        ("", "ok", "", (False, False)),
    ],
)
def test_what_a_fusion_states_to_fail_at_is_told_from_other_failures(record, known, status, note, expected):
    one = read(record(status=status, known_failure=known, diagnostics={"note": note} if note else {}))
    assert (one.fails_as_stated, one.succeeds_unexpectedly) == expected
