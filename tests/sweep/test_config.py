"""Configuration: precedence, typos, ranges, durations."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.sweep.config import SweepConfig, load_config, seconds

ROOT = Path(__file__).parents[2]


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
    ("text", "message"),
    [
        ("- a\n- b\n", "expected keys and values"),
        ("a: [1\n", "not readable as YAML"),
        ("on: 3\n", "key True is not text"),
        (None, "no such file"),
    ],
)
def test_unreadable_files_are_one_clear_line(tmp_path: Path, text: str | None, message: str) -> None:
    file = write(tmp_path, text) if text else tmp_path / "missing.yaml"
    with pytest.raises(UsageError, match=message) as caught:
        load_config({}, file)
    assert "\n" not in str(caught.value)


def test_a_built_in_configuration_is_found_by_name_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick").mkdir()
    config = load_config({}, Path("quick"))
    assert config == load_config({}, ROOT / "configs" / "quick.yaml")
    assert config != load_config({})


def test_a_file_of_your_own_wins_over_the_built_in_configuration_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("quick").write_text("out: mine\n")
    assert load_config({}, Path("quick")).out == "mine"


@pytest.mark.parametrize("name", ["quikc", "../configs/quick", str(ROOT / "configs" / "quick"), "studies"])
def test_a_name_that_is_neither_file_nor_built_in_lists_what_there_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"--config {re.escape(name)}: no such file; .*default, quick") as caught:
        load_config({}, Path(name))
    assert "\n" not in str(caught.value)


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


@pytest.mark.parametrize("bad", ["4..0", "x", "-1", ""])
def test_bad_seeds(bad: str) -> None:
    with pytest.raises(UsageError, match="--seed"):
        load_config({"seed": bad})


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
    file = write(tmp_path, "observer: mine:path=a, profile\ntensorboard: true\n")
    config = load_config({"profile": True, "jobs": 0}, file)
    assert config.chosen_observers == ("mine:path=a", "profile", "tensorboard")
    assert (config.chosen_executor, load_config({}).chosen_executor) == ("inline", "local")
