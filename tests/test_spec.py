"""Names with parameters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.spec import FIRST, Spec, canonical, check_params, parse_spec, shift_of, shifted
from bench.text import printable


class Example:
    """Something with parameters."""

    def __init__(
        self, spec: object, rank: int = 4, scale: float = 1.0, shared: bool = False, mode: str = "mean"
    ) -> None:
        pass


class Plain:
    """Something without."""


@pytest.mark.parametrize(
    ("text", "name", "params"),
    [
        ("concat", "concat", {}),
        (" concat ", "concat", {}),
        ("lrb:rank=4", "lrb", {"rank": 4}),
        ("lrb:rank=4:shared=true", "lrb", {"rank": 4, "shared": True}),
        ("lrb:scale=1.0e-3", "lrb", {"scale": 0.001}),
        ("lrb:mode=max", "lrb", {"mode": "max"}),
        ("texture:textures=/a/b", "texture", {"textures": "/a/b"}),
        ("timm:regnetx_002", "timm:regnetx_002", {}),
        ("timm:regnetx_002:width=3", "timm:regnetx_002", {"width": 3}),
        ("timm:width=3", "timm", {"width": 3}),
        ("folder:/a/b", "folder", {FIRST: "/a/b"}),
        ("folder:photos/mine:shift=noise", "folder", {FIRST: "photos/mine", "shift": "noise"}),
        ("lrb:4", "lrb", {FIRST: 4}),
        ("timm:regnetx_002:wide", "timm:regnetx_002", {FIRST: "wide"}),
        ("folder:*.png", "folder", {FIRST: "*.png"}),
    ],
)
def test_parse(text: str, name: str, params: dict[str, Any]) -> None:
    assert parse_spec(text) == Spec(name, params)


@pytest.mark.parametrize("text", ["concat:=3", "concat:rank=3:shared", "folder:a:b", "concat:", "concat:rank=3:"])
def test_a_part_that_is_no_assignment(text: str) -> None:
    with pytest.raises(UsageError, match="expected name:param=value") as error:
        parse_spec(text)
    assert ("nothing after a colon" in str(error.value)) == text.endswith(":")
    assert ("a value holds no colon" in str(error.value)) == (text in ("concat:rank=3:shared", "folder:a:b"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got no name"),
        (" ", "got no name"),
        (":", "got no name"),
        (":a=1", "got no name"),
        ("a:b=1:b=2", "'b' is given twice"),
        ("a\nb", "one line of UTF-8"),
        ("folder:\udce9", "one line of UTF-8"),
        ("a:b=\x1b[31m", "one line of UTF-8"),
        ("a:" + ":".join(f"p{i}=1" for i in range(10_000)), "at most 5,000"),
        ("a" * 1_000_000, "1,000,000 characters"),
    ],
)
def test_a_text_that_names_nothing_is_one_short_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_spec(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@given(st.text(st.characters(exclude_categories=()), max_size=30) | st.text("a:=0x1e.- ", max_size=12))
@settings(max_examples=100, deadline=None)
@example("a:b=0x10")
@example("a:b=1e5")
def test_what_is_read_is_written_and_read_again(text: str) -> None:
    said = ""
    try:
        spec = parse_spec(text)
        assert str(parse_spec(str(spec))) == str(spec)
    except UsageError as error:
        said = str(error)
    assert said == printable(said, 300).replace("\n", " ")


names = st.text("abcxyz_", min_size=1, max_size=8)
values = st.booleans() | st.integers(-999, 999) | st.integers(1, 9999).map(lambda n: n / 100)
quick = settings(max_examples=50, deadline=None)


@quick
@given(names, st.dictionaries(names, values, max_size=3))
def test_a_spec_survives_its_text(name: str, params: dict[str, Any]) -> None:
    assert parse_spec(str(Spec(name, params))) == Spec(name, params)


@quick
@given(st.dictionaries(names, values, min_size=2, max_size=4))
def test_the_text_does_not_depend_on_the_order(params: dict[str, Any]) -> None:
    assert str(Spec("x", params)) == str(Spec("x", dict(reversed(params.items()))))


@quick
@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1e-05)
@example(1e16)
def test_a_number_reaches_the_constructor_as_it_was(scale: float) -> None:
    """A cell carries its fusion as text: the smallest and largest numbers, written 1e-05, must come back as numbers."""
    params = parse_spec(str(Spec("x", {"scale": scale}))).params
    assert check_params(Example, params, given=("spec",)) == {"scale": scale}


@pytest.mark.parametrize(
    ("given_", "checked"),
    [
        ({}, {}),
        (parse_spec("x:scale=1e-3").params, {"scale": 0.001}),
        ({"rank": 2, "scale": 2}, {"rank": 2, "scale": 2.0}),
        ({"shared": True}, {"shared": True}),
        ({"mode": 3}, {"mode": "3"}),
    ],
)
def test_parameters_are_converted(given_: dict[str, Any], checked: dict[str, Any]) -> None:
    result = check_params(Example, given_, given=("spec",))
    assert result == checked
    assert [type(value) for value in result.values()] == [type(value) for value in checked.values()]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"rnak": 2}, "unknown parameter 'rnak'; allowed: rank, scale, shared, mode"),
        ({"spec": 2}, "unknown parameter 'spec'"),
        ({"rank": 2.5}, "rank must be int, got 2.5"),
        ({"rank": True}, "rank must be int, got True"),
        ({"rank": 10**30}, "rank must be int of at most 1,000,000"),
        ({"rank": "two"}, "rank must be int, got 'two'"),
        ({"mode": "a,b=1,rank=2"}, "mode: parameters are separated by colons, as in :rank="),
        ({"scale": True}, "scale must be float"),
        ({"scale": "wide"}, "scale must be float, got 'wide'"),
        ({"scale": "nan"}, "scale must be a finite number, got nan"),
        (parse_spec("x:scale=.inf").params, "scale must be a finite number, got inf"),
        ({"shared": 1}, "shared must be bool"),
        ({"shared": "yes"}, "shared must be bool"),
    ],
)
def test_parameters_that_do_not_fit(params: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_params(Example, params, given=("spec",))


def test_a_class_without_parameters_takes_none() -> None:
    with pytest.raises(UsageError, match="fusion plain:rank=1: unknown parameter 'rank'; allowed: none"):
        check_params(Plain, {"rank": 1}, where="fusion plain:rank=1")


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("x:8", "x:rank=8"),
        ("x:8:mode=max", "x:mode=max:rank=8"),
        ("x:rank=8", "x:rank=8"),
        ("x:scale=2.0", "x:scale=2.0"),
        ("x", "x"),
        ("x:4", "x"),
        ("x:rank=4:shared=false:mode=mean", "x"),
        ("x:rank=4:mode=max", "x:mode=max"),
        ("x:unknown=1", "x:unknown=1"),
    ],
)
def test_there_is_one_way_to_write_a_spec(text: str, full: str) -> None:
    assert str(canonical(parse_spec(text), Example, given=("spec",))) == full
    assert canonical(parse_spec(full), Example, given=("spec",)) == parse_spec(full)


def test_a_value_for_a_class_without_parameters() -> None:
    with pytest.raises(UsageError, match="plain:3: plain takes no parameters"):
        canonical(parse_spec("plain:3"), Plain)


@pytest.mark.parametrize(
    ("source", "shift", "text"),
    [
        ("color", "noise-3", "color:shift=noise-3"),
        ("color:difficulty=easy", "inverted", "color:difficulty=easy:shift=inverted"),
        ("folder:photos/mine", "blur", "folder:photos/mine:shift=blur"),
        ("texture:textures=/a/b", "blur", "texture:shift=blur:textures=/a/b"),
    ],
)
def test_a_shift_is_put_on_and_taken_off(source: str, shift: str, text: str) -> None:
    assert shifted(source, shift) == text
    assert shift_of(text) == (source, shift)
    assert shift_of(source) == (source, "")


def test_a_shift_replaces_another() -> None:
    assert shifted(shifted("color", "noise"), "blur") == "color:shift=blur"


@pytest.mark.parametrize("path", ["2024_01", "007", "no", "0x10", "*.png", "~", "1e5", "2024-01-01"])
def test_a_path_stays_what_was_typed(path: str) -> None:
    assert parse_spec(f"folder:{path}").params[FIRST] == path
    assert parse_spec(f"folder:path={path}").params["path"] == path


def test_a_first_value_that_is_also_named_is_refused() -> None:
    class Folder:
        def __init__(self, path: str, size: int = 32) -> None:
            self.path, self.size = path, size

    with pytest.raises(UsageError, match="path is given twice"):
        canonical(parse_spec("folder:a:path=b"), Folder)
