"""Configuration: precedence, typos, ranges, durations."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.sweep.config import SweepConfig, check_size, load_config, seconds
from bench.text import printable


def write(folder: Path, text: str) -> Path:
    file = folder / "sweep.yaml"
    file.write_text(text)
    return file


def test_command_line_wins_over_file_wins_over_defaults(tmp_path: Path) -> None:
    file = write(tmp_path, "seed: 0..2\nprotocol: frozen\n")
    config = load_config({"protocol": "scratch"}, file)
    assert (config.protocol, config.seed, config.domain) == ("scratch", (0, 1, 2), ("color",))


def test_recipe_fields_of_both_sources_are_merged(tmp_path: Path) -> None:
    file = write(tmp_path, "recipe: {lr: 0.1, epochs: 2}\n")
    assert load_config({"recipe": {"lr": 0.2}}, file).recipe == {"lr": 0.2, "epochs": 2}


def test_a_typo_names_the_key_the_file_and_the_allowed_keys(tmp_path: Path) -> None:
    file = write(tmp_path, "protokol: frozen\n")
    with pytest.raises(UsageError) as caught:
        load_config({}, file)
    message = str(caught.value)
    assert str(file) in message
    assert "'protokol'" in message
    assert "did you mean 'protocol'" in message
    assert all(key in message for key in SweepConfig.model_fields)
    assert "\n" not in message


def test_a_bad_flag_names_the_flag_and_what_is_allowed() -> None:
    with pytest.raises(UsageError, match=r"--protocol.*'finetune'"):
        load_config({"protocol": "fintune"})
    with pytest.raises(UsageError, match=r"--timeout.*90s, 20m or 2h"):
        load_config({"timeout": "soon"})


@pytest.mark.parametrize(
    ("given_seed", "expected"),
    [
        ("0..4", (0, 1, 2, 3, 4)),
        ("0,2,7", (0, 2, 7)),
        (3, (3,)),
        ("0..2,1", (0, 1, 2)),
        ([1, "3..4"], (1, 3, 4)),
        ("0..1,5", (0, 1, 5)),
    ],
)
def test_seeds(given_seed: object, expected: tuple[int, ...]) -> None:
    assert load_config({"seed": given_seed}).seed == expected


@pytest.mark.parametrize(
    "bad", ["4..0", "x", "-1", "", -3, [0, -1], 1.5, True, None, {"a": 2}, [[1]], 2**31, "9" * 5000, ["1", {}]]
)
def test_bad_seeds(bad: object) -> None:
    with pytest.raises(UsageError, match=r"^--seed: seed"):
        load_config({"seed": bad})


@pytest.mark.parametrize("many", ["0..1000000000", "0..9999,10000", range(10**9), ["0..9999"] * 9_999 + [10_000]])
def test_too_many_seeds_are_refused_before_they_are_counted_out(many: object) -> None:
    with pytest.raises(UsageError, match="at most 10,000 seeds"):
        load_config({"seed": many})


def test_names_may_be_commas_or_lists() -> None:
    config = load_config({"fusion": ["abs_diff, concat", "film:stage=2"], "domain": "color,texture"})
    assert config.fusion == ("abs_diff", "concat", "film:stage=2")
    assert config.domain == ("color", "texture")


@given(st.integers(1, 10_000), st.sampled_from([("s", 1), ("m", 60), ("h", 3600), ("", 1)]))
def test_durations(number: int, unit: tuple[str, int]) -> None:
    assert seconds(f"{number}{unit[0]}") == number * unit[1]


@pytest.mark.parametrize("name", ["fusion", "backbone", "domain"])
def test_an_empty_list_is_said_in_plain_words(name: str) -> None:
    with pytest.raises(UsageError, match=f"^--{name}: {name}: expected at least one value$"):
        load_config({name: " , "})


def test_short_forms_are_observers_and_an_executor(tmp_path: Path) -> None:
    """They come first: what is kept by ``save`` is there for a tracker to find."""
    file = write(tmp_path, "observer: mine:path=a, profile\ntensorboard: true\nsave: all\n")
    config = load_config({"profile": True, "jobs": 0}, file)
    assert config.chosen_observers == ("tensorboard", "profile", "models:keep=all", "mine:path=a")
    assert (config.chosen_executor, load_config({}).chosen_executor) == ("inline", "local")


# Nonsense for each field, and what the message must say.
NONSENSE = [
    ("warmup_seed", -5, "greater than or equal to 0"),
    ("warmup_seed", 2**31, "less than or equal to"),
    ("fusion", [{"film": "stage=2"}], "name:param=value"),
    ("fusion", ["abs_diff\nconcat"], "one line"),
    ("fusion", "x" * 6000, "at most 5,000"),
    ("fusion", ["a,b"] * 6000, "at most 10000"),
    ("domain", "folder:\udce9", "UTF-8"),
    ("backbone", 3, "expected a text, or a list of them"),
    ("protocol", True, "'scratch', 'finetune' or 'frozen'"),
    ("warmup", None, "string"),
    ("test_pairs", 10**9, "less than or equal to"),
    ("test_pairs", True, "expected a number"),
    ("test_pairs", float("inf"), "finite"),
    ("recipe", {"lr": True}, "lr = True: expected a number"),
    ("recipe", {"lr": 1e99}, "lr = 1e[+]99: .*less than or equal to 1000"),
    ("recipe", {"epochs": "x"}, "epochs = 'x'"),
    ("recipe", {"lrr": 1}, "unknown key 'lrr'; did you mean 'lr'"),
    ("recipe", {"auxiliary": {"centre": "x"}}, "auxiliary.centre = 'x'"),
    ("recipe", {"objective": "\x1b[31m"}, "one line of UTF-8"),
    ("warmup_recipe", {"images": -1}, "images = -1"),
    ("warmup_recipe", [1], "dictionary"),
    ("domain_params", {"size": {"a": 1}}, "'size': expected text, a number"),
    ("include", "a" * 300, "File name too long"),
    ("out", "", "at least 1 character"),
    ("out", "a\0b", "one line of UTF-8"),
    ("jobs", True, "expected a number"),
    ("jobs", 10**6, "less than or equal to"),
    ("threads", 10**6, "less than or equal to"),
    ("seeds_together", 10**6, "less than or equal to"),
    ("store", "/mnt/sweep", "expected a URL, such as s3"),
    ("store", "sftp://me:secret@host/sweep", "run.json would hold the password"),
    ("store", "s3://[", "."),
    ("timeout", "9" * 400, "more than ten years"),
    ("timeout", True, "string"),
    ("profile", "yes", "boolean"),
    ("tensorboard", 1, "boolean"),
    ("gate_margin", float("nan"), "finite"),
    ("equivalence_margin", 1e9, "less than or equal to 100"),
    ("retry", "nonsense", "'killed'"),
    ("match_params", "5%:" + "9" * 4900, "not a tolerance"),
]


@pytest.mark.parametrize(("field", "value", "message"), NONSENSE)
def test_nonsense_is_one_short_line_that_says_where_it_was_set(
    field: str, value: object, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=rf"^--{field.replace('_', '-')}: .*({message})") as caught:
        load_config({field: value})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000
    file = tmp_path / "sweep.json"
    try:
        file.write_text(json.dumps({field: value}, allow_nan=False))
    except ValueError:
        return  # a file holds no such number
    with pytest.raises(UsageError, match=rf"^{file}: .*({message})"):
        load_config({}, file)


def test_axes_that_are_each_allowed_can_be_too_many_cells_together() -> None:
    check_size(range(100), range(10_000))
    with pytest.raises(
        UsageError, match="1,010,000 cells; expected at most 1,000,000: choose fewer fusions or repetitions"
    ):
        check_size(range(101), range(10_000))


def test_a_number_in_a_file_is_one_of_seconds(tmp_path: Path) -> None:
    found = load_config({}, write(tmp_path, "timeout: 90\nwarmup_timeout: 120\n"))
    assert (seconds(found.timeout), seconds(found.warmup_timeout)) == (90, 120)


def test_later_files_win_and_mappings_are_merged_key_by_key(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("seed: 1\nprotocol: frozen\nrecipe: {lr: 0.1, epochs: 2}\ndomain_params: {size: 64}\n")
    second.write_text("seed: 2\nrecipe: {lr: 0.2, patience: 1}\nwarmup_recipe: {images: 640}\n")
    config = load_config({"recipe": {"patience": 3}}, first, second)
    assert (config.seed, config.protocol, config.domain_params) == ((2,), "frozen", {"size": 64})
    assert config.recipe == {"lr": 0.2, "epochs": 2, "patience": 3}
    assert config.warmup_recipe == {"images": 640}


@pytest.mark.parametrize(
    ("first", "second", "given_", "culprit"),
    [
        ("test_pairs: 1", "seed: 1", {}, "a.yaml: test_pairs"),
        ("test_pairs: 1", "test_pairs: 2", {}, "b.yaml: test_pairs"),
        ("test_pairs: 1", "seed: 1", {"test_pairs": 3}, "--test-pairs: test_pairs"),
        ("recipe: {lr: x}", "recipe: {epochs: 2}", {}, "a.yaml: recipe: lr"),
        ("recipe: {lr: 1}", "recipe: {lr: x}", {"recipe": {"epochs": 1}}, "b.yaml: recipe: lr"),
        ("recipe: {lr: 1}", "seed: 1", {"recipe": {"lr": "x"}}, "--recipe: lr"),
        ("recipe: {lr: 1}", "recipe: 3", {}, "b.yaml: recipe"),
    ],
)
def test_a_message_names_the_file_that_a_value_came_from(
    first: str, second: str, given_: dict[str, object], culprit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(first)
    Path("b.yaml").write_text(second)
    with pytest.raises(UsageError, match=f"^{culprit} = "):
        load_config(given_, Path("a.yaml"), Path("b.yaml"))


TEXTS = st.text(st.characters(exclude_categories=()), max_size=10)  # halves of characters as well
FIELDS = st.sampled_from([*SweepConfig.model_fields, "fusoin", "", "\ud800"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(FIELDS, ANYTHING, max_size=3))
def test_whatever_is_given_is_a_configuration_or_one_line(given_: dict[str, object]) -> None:
    said = ""
    try:
        load_config(given_)
    except UsageError as error:
        said = str(error)
    assert said == printable(said, 2_000).replace("\n", " ")


def test_seeds_and_replicates_are_not_given_together(tmp_path):
    for asked, files in (({"seed": "0..7", "replicates": 3}, ()), ({}, [write(tmp_path, "seed: 0\nreplicates: 3\n")])):
        with pytest.raises(UsageError, match="seeds and replicates exclude each other"):
            load_config(asked, *files)
    # What is given takes the place of what a file says.
    assert load_config({"replicates": 3}, write(tmp_path, "seed: 0..4\n")).repetitions == (0, 1, 2)
    found = load_config({"seed": "1..2"}, write(tmp_path, "replicates: 3\n"))
    assert (found.repetitions, found.replicates) == ((1, 2), None)


def test_seeds_take_the_place_of_replicates_with_their_first_number(tmp_path):
    file = write(tmp_path, "replicates: 3\nfirst_replicate: 5\n")
    assert load_config({"seed": "1..2"}, file).repetitions == (1, 2)
    assert load_config({"replicates": 2}, file).repetitions == (5, 6)
    assert load_config({"first_replicate": 2**31 - 1, "replicates": 1, "warmup_seed": 2**31 - 1}).replicates == 1
