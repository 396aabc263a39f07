"""YAML as a configuration uses it: what words mean, and what is refused."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.yaml12 import read_yaml, scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("+5", 5),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("1:30", "1:30"),
        ("no", "no"),
        ("on", "on"),
        ("True", True),
        ("~", None),
        ("", None),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("<<", "<<"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_word_means_what_version_1_2_says(text: str, value: Any) -> None:
    for read in (scalar(text), read_yaml(f"a: {text}")["a"]):
        assert (read, type(read)) == (value, type(value))
    assert read_yaml(f"a: '{text}'") == {"a": text}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text("ano019.:-#*&!|' 𐀀é\\\"\n", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(VALUES)
def test_json_is_read_as_what_it_is(value: Any) -> None:
    """For JSON is a part of YAML 1.2."""
    text = json.dumps(value, ensure_ascii=False).replace("-Infinity", "-.inf").replace("Infinity", ".inf")
    assert read_yaml(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {c: 1, c: 2}", "line 2: key 'c' is given twice"),
        ("a: &x 1\nb: *x", "line 2: .x is an alias"),
        ("a: &x [*x]", "line 1: .x is an alias"),
        ("fusion: *abs", "write text in quotes"),
        ("a: !!python/object/apply:os.system [ls]", "os.system is a tag"),
        ("a: !!str 1", "is a tag"),
        ("1: 2", "key 1 is not text"),
        ("? [a]\n: b", r"key \['a'\] is not text"),
        ("a: 1\n---\nb: 1", "line 2: a second document"),
        ("a: [1\n", "line"),
        ("a: \0", "characters"),
        ("a: \ud800", "characters"),
        ('a: "\\UFFFFFFFF"', "line|characters"),
        (f"%YAML {'9' * 5000}.1\n---\na", "line|limit"),
        ("[" * 17, "nested more than 16 deep|depth"),
        ("[" * 100_000, "deep|depth"),
        ("- " * 100_000, "deep"),
        ("{a: " * 50_000, "deep"),
    ],
)
def test_what_is_refused_is_one_line_at_once(text: str, message: str) -> None:
    started = time.process_time()
    with pytest.raises(ValueError, match=message) as caught:
        read_yaml(text)
    assert len(str(caught.value).splitlines()) == 1
    assert time.process_time() - started < 2


def test_aliases_cannot_fill_the_memory() -> None:
    names = "abcdefghi"
    rows = [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in pairwise(names)]
    with pytest.raises(ValueError, match="alias"):
        read_yaml("\n".join(["a: &a [x,x,x,x,x,x,x,x,x]", *rows]))
