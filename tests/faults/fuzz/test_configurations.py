"""Configurations: as bytes, as whatever YAML can hold, and nonsense that has to be refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import strategies as st

from bench.sweep.config import SweepConfig

pytestmark = pytest.mark.faults

SOUND = """\
# A sweep.
fusion: [abs_diff, "cosine"]
domain: color
eval: [color]
seed: 0..2
protocol: scratch
test_pairs: 32
timeout: 20m
recipe: {train_pairs: 64, batch_size: 16, lr: 1.0e-3}
retry: &again [killed, oom]
"""
# What must not start a sweep, by field.
NONSENSE: dict[str, list[Any]] = {
    "fusion": ["", [], 5, {"a": 1}, "no_such_fusion", [""], None, "abs_diff:no=1"],
    "domain": ["", [], 5, "no_such_domain", "color:difficulty=no_such", "folder:no/such/folder"],
    "backbone": ["", [], "no_such_backbone", "timm:"],
    "seed": [-3, 1.5, "x", "-1", {1: 2}, [[1]], "4..1", "0..1000000000", 10**30, float("nan"), True, None, []],
    "warmup_seed": [-5, "x", 1.5, True, 10**30, float("inf")],
    "protocol": ["", "none", 1, ["scratch"], None],
    "warmup": ["", "no_such", 1],
    "test_pairs": [0, -2, 1.5, "x", True, float("nan"), 10**15],
    "recipe": [
        {"train_pairs": -1},
        {"lr": float("nan")},
        {"lr": float("inf")},
        {"lr": -1},
        {"epochs": 0},
        {"no": 1},
        3,
    ],
    "warmup_recipe": [{"images": 0}, {"easy_share": 2}, {"lr": float("inf")}, {"no": 1}, "x"],
    "jobs": [-1, "x", 1.5, True, 10**9],
    "threads": [0, -1, 1.5, 10**9],
    "timeout": ["1:30", "-5", "0", "x", "", float("nan"), [], True, -3, float("inf")],
    "gate_margin": [-1, float("nan"), float("inf"), "x"],
    "equivalence_margin": [0, -1, float("nan"), float("inf")],
    "retry": ["fine", [1], 3],
    "observer": ["no_such", 3],
    "executor": ["no_such", 3],
    "include": ["no/such.py", 3],
    "device": ["tpu", 1],
    "out": ["", 5, [], "\0", None],
    "match_params": ["x", "-5%", "nan%"],
    "no_such_key": [1],
}
# YAML 1.1 reads these as something else than they say.
SURPRISES = {
    "seed: 010": "seed 8",
    "seed: 1_0": "seed 10",
    "seed: 0b11": "seed 3",
    "timeout: 1:30": "to run",
    "seed: 1:30": "seed 90",
}
PIECES = [
    "!!python/object/apply:builtins.exec",
    "&a",
    "*a",
    "<<:",
    "---",
    "!!binary",
    "? ",
    "|",
    ">",
    "%YAML 9",
    "{" * 2000,
]


@pytest.fixture
def plan(place: Path, call: Any) -> Any:
    """Asks for the plan of a configuration in the form of bytes."""

    def ask(content: bytes) -> Any:
        (place / "sweep.yaml").write_bytes(content)
        return call("run", "--config", "sweep.yaml", "--dry-run")

    return ask


def test_damaged_bytes(fuzz: Any, plan: Any, damage: Any, mine: str) -> None:
    def check(example: tuple[int, str]) -> None:
        seed, piece = example
        at = seed % len(SOUND)
        text = SOUND[:at] + (f' {piece} ["{mine}"] ' if piece.startswith("!!py") else piece) + SOUND[at:]
        plan(damage(text.encode(), seed) if seed % 3 else text.encode())

    fuzz(st.tuples(st.integers(0, 2**32), st.sampled_from(["", "", "", *PIECES])), 800, check)


def test_whatever_yaml_can_hold(fuzz: Any, plan: Any, values: Any) -> None:
    fields = st.sampled_from([*SweepConfig.model_fields, "no_such_key"])
    sound = yaml.safe_load(SOUND)

    def check(changes: dict[str, Any]) -> None:
        plan(yaml.safe_dump({**sound, **changes}, allow_unicode=True).encode("utf-8", "surrogatepass"))

    fuzz(st.dictionaries(fields, values, min_size=1, max_size=3), 700, check)


def test_nonsense_is_refused(every: Any, plan: Any) -> None:
    sound = yaml.safe_load(SOUND)

    def check(case: tuple[str, Any]) -> None:
        field, value = case
        answer = plan(yaml.safe_dump({**sound, field: value}).encode())
        assert answer.code == 2, f"{field}: {value!r} was accepted"
        about = [field, *re.findall(r"\w+", str(value))]
        assert any(word in answer.err for word in about), f"{field}: {value!r} is not what {answer.err} is about"

    every([(field, value) for field, values in NONSENSE.items() for value in values], check)


@pytest.mark.parametrize("line", SURPRISES)
def test_yaml_says_what_it_says(plan: Any, line: str) -> None:
    kept = [one for one in SOUND.splitlines() if not one.startswith(line.split(":")[0])]
    answer = plan("\n".join([*kept, line]).encode())
    assert SURPRISES[line] not in answer.said or answer.code == 2


def test_bombs(plan: Any) -> None:
    layers = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    for bomb in (
        "\n".join(["a0: &a0 lol", *layers, "fusion: *a11"]),
        "fusion: " + "[" * 50_000,
        "seed: " + "{a: " * 3000,
    ):
        assert plan(bomb.encode()).code == 2
