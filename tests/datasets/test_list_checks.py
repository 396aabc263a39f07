"""Lists that would be read otherwise than they were meant are refused where a sweep is planned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from bench import zoo
from bench.cli import app
from bench.domain import build_domain, unread_of
from bench.errors import UsageError

zoo.load()

IMAGES = 60
Write = Callable[..., str]


@pytest.fixture
def images(tmp_path: Path) -> Write:
    """A list of images with these columns behind ``file``, by a line's number; the name of its domain."""

    def write(header: str, rest: Callable[[int], str]) -> str:
        for number in range(IMAGES):
            pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        rows = [f"{number}.png,{rest(number)}" for number in range(IMAGES)]
        (tmp_path / "list.csv").write_text("\n".join([f"file,{header}", *rows]) + "\n")
        return f"folder:{tmp_path}/list.csv"

    return write


def letter(number: int) -> str:
    return "abc"[number % 3]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("Group", "group"), ("groups", "group"), (" group", "group"), ("grp", "group"), ("group_id", "group"),
     ("Split", "split"), ("splt", "split")],
)  # fmt: skip
def test_a_column_of_nearly_a_known_name_is_refused(images: Write, name: str, meant: str) -> None:
    """Wherever the domain is built, as every command that reads it does."""
    domain = images(f"class,{name}", lambda number: f"{letter(number)},g{number // 6}")
    with pytest.raises(UsageError, match=rf"column '{name}' is not read; expected {meant}"):
        build_domain(domain)


def test_another_column_is_said_to_be_unread(images: Write) -> None:
    domain = build_domain(images("class,group,camera", lambda number: f"{letter(number)},g{number // 2},x"))
    (line,) = unread_of(domain)
    assert line.endswith("list.csv: not read: camera; columns that are read: file, class, group, split")


def test_groups_in_training_and_in_testing_are_said(images: Write) -> None:
    def row(number: int) -> str:
        return f"{letter(number)},g{number // 6 % 2},{('train', 'val', 'test')[number // 6 % 3]}"

    (line,) = unread_of(build_domain(images("class,group,split", row)))
    assert line.endswith("list.csv: 2 groups are in training and in testing by column split: g0, g1")


def test_a_list_as_it_should_be_has_nothing_to_say(images: Write) -> None:
    domain = build_domain(images("class,group", lambda number: f'{letter(number)},"g, {number // 2}",,'))
    assert unread_of(domain) == ()


def test_a_comma_without_quotes_is_refused_with_its_row(images: Write) -> None:
    domain = images("class", lambda number: "Springfield, IL" if number % 3 == 1 else letter(number))
    with pytest.raises(UsageError, match="row 3 has 3 values, and there are 2 columns; put a value that holds a comma"):
        build_domain(domain)


@pytest.mark.parametrize("opened", [(20,), (20, 25)])
def test_a_quote_that_does_not_end_in_its_row_is_refused(images: Write, opened: tuple[int, ...]) -> None:
    """Two of them make one value of the rows between."""

    def rest(number: int) -> str:
        quote = '"' if number in opened else ""
        return f"{letter(number)},{quote}g{number // 2}{quote if number == 25 else ''}"

    with pytest.raises(UsageError, match="expected a quote to end in its row"):
        build_domain(images("class,group", rest))


@pytest.mark.parametrize("column", ["class", "group"])
def test_a_blank_that_would_make_another_class_or_group_is_refused(images: Write, column: str) -> None:
    def rest(number: int) -> str:
        values = [letter(number), f"g{number // 2}"]
        if number > 6 and number % 6 == 1:
            values[column == "group"] += " "
        return ",".join(values)

    with pytest.raises(UsageError, match=rf"row 9: {column} '\w+ ' has a blank at an end; remove it"):
        build_domain(images("class,group", rest))


def test_a_plan_of_pairs_ends_with_the_line_and_runs_nothing(images: Write, tmp_path: Path) -> None:
    images("class", letter)
    rows = [f"{2 * number}.png,{2 * number + 1}.png,{number % 2},g{number}" for number in range(IMAGES // 2)]
    (tmp_path / "pairs.csv").write_text("\n".join(["a,b,label,Group", *rows]))
    command = ["run", "--dry-run", "--domain", f"pairs:{tmp_path}/pairs.csv", "--fusion", "concat"]
    error = CliRunner().invoke(app, command).exception
    assert isinstance(error, UsageError)
    assert str(error).endswith("pairs.csv: column 'Group' is not read; expected group, or a name unlike it")
