"""Observers, those of a plug-in among them: what they see, and that nothing depends on them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.records.folder import RunFolder
from bench.records.record import Record

LEDGER = '''
import json
import os

from bench.observers import Observer, register_observer


@register_observer
class Ledger(Observer):
    """Writes down what it sees, one line each."""

    name = "test_ledger"

    def __init__(self, folder, path: str = "ledger.jsonl", width: int = 1) -> None:
        super().__init__(folder)
        self.path, self.width = path, width

    @property
    def hint(self):
        return f"read {self.folder / self.path}"

    def look(self, finished):
        self.write(model=str(finished.cell), process=os.getpid())
        return "looked at " + "it" * self.width

    def read(self, record):
        self.write(status=record.status, key=record.key, process=os.getpid())
        return f"read of {record.fusion}"

    def write(self, **line):
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / self.path).open("a") as file:
            print(json.dumps(line), file=file)
'''

CLUMSY = '''
from bench.observers import Observer, register_observer


@register_observer
class Clumsy(Observer):
    """Fails wherever it can, and spoils what it is given."""

    name = "test_clumsy"

    @property
    def hint(self):
        raise OSError("no hint")

    def look(self, finished):
        raise OSError("no\\nspace left")

    def read(self, record):
        record.status, record.eval = "killed", {}
        raise KeyError("no server")


@register_observer
class Mute(Observer):
    """Says what cannot travel."""

    name, hint = "test_mute", None

    def look(self, finished):
        return lambda: None
'''

DIES = '''
@register
class Dies(Base):
    """Kills its process while it trains."""
    name = "test_dies"
    def forward(self, a, b):
        if self.training:
            os.kill(os.getpid(), signal.SIGKILL)
        return (a * self.weight).sum(1)
'''


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_plug_in_sees_every_record_and_every_model_that_was_measured(
    process: Callable[..., subprocess.CompletedProcess[str]],
    weighted: Callable[[str, str], Path],
    plugin: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """Failed, collapsed and impossible cells, too, from the command line and out of worker processes."""
    included = weighted("dies", DIES), plugin(LEDGER, name="ledger", load=False)
    options = (
        "run --fusion abs_diff,siamese_cosine_sigmoid,template_oracle,test_dies --domain texture --eval texture"
        " --seed 0 --protocol scratch --test-pairs 32 --recipe train_pairs=64,batch_size=16,val_pairs=32 --jobs 1"
        " --observer test_ledger:path=seen.jsonl:width=2"
    ).split()
    include = [part for path in included for part in ("--include", str(path))]
    ended = process(*options, *include, "--out", tmp_path / "run")
    assert ended.returncode == 3, ended.stderr
    records = {record.key: record for record in RunFolder(tmp_path / "run").records(Record)}
    seen = lines(tmp_path / "run" / "test_ledger" / "seen.jsonl")
    read = [line for line in seen if "status" in line]
    assert {line["key"]: line["status"] for line in read} == {k: record.status for k, record in records.items()}
    assert sorted(line["status"] for line in read) == ["collapsed", "killed", "not_applicable", "ok"]
    looked = [line for line in seen if "model" in line]
    assert sorted(str(line["model"]).split(" ")[0] for line in looked) == ["abs_diff", "siamese_cosine_sigmoid"]
    assert not {line["process"] for line in looked} & {line["process"] for line in read}
    assert ended.stderr.count("looked at itit") == 2
    assert all(f"read of {record.fusion}" in ended.stderr for record in records.values())
    assert f"read {tmp_path / 'run' / 'test_ledger' / 'seen.jsonl'}" in ended.stderr


def test_observers_that_fail_say_so_and_cost_nothing(
    sweep, measured, plugin: Callable[..., Path], tmp_path: Path
) -> None:
    _, plain, _ = sweep(out=str(tmp_path / "plain"))
    file = plugin(CLUMSY, name="clumsy", load=False)
    code, records, printed = sweep(observer="test_clumsy,test_mute", include=[str(file)])
    assert code == 0
    assert [measured(record) for record in records] == [measured(record) for record in plain]
    for failed in ("OSError: no hint", "OSError: no", "KeyError: 'no server'"):
        assert f"observer test_clumsy failed: {failed}" in printed


def test_what_an_observer_says_reaches_the_main_process_as_text(sweep, plugin: Callable[..., Path]) -> None:
    file = plugin(CLUMSY, name="clumsy", load=False)
    code, (record,), printed = sweep(observer="test_mute", include=[str(file)], jobs=1)
    assert (code, record["status"]) == (0, "ok")
    assert "<lambda>" in printed


def test_the_built_in_ones_change_no_key_and_no_number(sweep, measured, tmp_path: Path) -> None:
    fusions = ["abs_diff", "two_channel"]
    _, plain, _ = sweep(fusion=fusions, out=str(tmp_path / "plain"))
    _, observed, _ = sweep(fusion=fusions, out=str(tmp_path / "observed"), observer="profile,tensorboard")
    assert [measured(record) for record in observed] == [measured(record) for record in plain]
    assert sorted(os.listdir(tmp_path / "plain")) == [".records.jsonl.lock", "records.jsonl", "run.json", "scores"]
    assert {"profile", "tensorboard"} <= set(os.listdir(tmp_path / "observed"))


def test_cells_with_a_record_are_not_run_again_to_be_looked_at(sweep, tmp_path: Path) -> None:
    _, first, _ = sweep()
    _, second, printed = sweep(profile=True, tensorboard=True)
    assert second == first
    assert "1 cell has a record and is not run again for tensorboard and profile" in printed
    assert not (tmp_path / "run" / "profile").exists()


@pytest.mark.parametrize(
    ("observer", "message"),
    [
        ("profiler", "unknown observer 'profiler': did you mean profile"),
        ("test_ledger:depth=1", "test_ledger.*unknown parameter 'depth'; allowed: path, width"),
        ("test_ledger:width=wide", "width must be int, got 'wide'"),
        ("test_ledger:a,test_ledger:b", "test_ledger is given twice"),
    ],
)
def test_a_wrong_observer_is_bad_input(
    sweep, plugin: Callable[..., Path], tmp_path: Path, observer: str, message: str
) -> None:
    plugin(LEDGER, name="ledger")
    with pytest.raises(UsageError, match=message):
        sweep(observer=observer)
    assert not (tmp_path / "run").exists()


def test_the_same_observer_twice_is_one(sweep, plugin: Callable[..., Path], tmp_path: Path) -> None:
    plugin(LEDGER, name="ledger")
    sweep(observer=["test_ledger", "test_ledger:path=ledger.jsonl"])
    assert len(lines(tmp_path / "run" / "test_ledger" / "ledger.jsonl")) == 2
