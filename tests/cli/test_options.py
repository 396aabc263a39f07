"""Options of ``bench run``: all of them from the fields of its configuration; what commands share."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from pydantic import BaseModel, Field
from typer.testing import CliRunner

from bench import __version__, cli
from bench.cli import options
from bench.cli.run import run
from bench.errors import UsageError
from bench.sweep import run as sweep_run
from bench.sweep.config import SweepConfig

ROOT = Path(__file__).parents[2]
Bench = Callable[..., int]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def configured(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SweepConfig]:
    """The configuration that ``bench run`` starts a sweep with."""
    seen: list[SweepConfig] = []

    def run_sweep(config: SweepConfig, *_: object) -> int:
        seen.append(config)
        return 0

    monkeypatch.setattr(sweep_run, "run_sweep", run_sweep)

    def read(*arguments: object) -> SweepConfig:
        assert bench("run", *arguments) == 0
        return seen[-1]

    return read


def app_of(function: Any) -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(function)
    return app


def test_every_field_of_the_configuration_is_an_option_with_its_description_as_the_help() -> None:
    known = {option.name: option for option in typer.main.get_command(app_of(run)).params}
    for name, field in SweepConfig.model_fields.items():
        assert field.description, f"{name} has no description"
        assert known[name].help == field.description
        assert f"--{name.replace('_', '-')}" in known[name].opts


def test_a_field_more_is_an_option_more(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model(BaseModel):
        names: tuple[str, ...] = Field(("a",), description="Some names.")
        most: Annotated[int | None, Field(gt=0)] = Field(None, description="At most so many.")
        share: float = Field(0.5, description="A share.")
        quick: bool = Field(False, description="Be quick.")
        kind: Literal["x", "y"] = Field("x", description="x or y.")
        more: dict[str, Any] = Field({}, description="Fields.")

    monkeypatch.setattr(options, "Model", Model, raising=False)
    received: dict[str, Any] = {}

    @options.options_of("bench.cli.options:Model")
    def start(own: int = 3, **given: Any) -> None:
        """Start."""
        received.update(given, own=own)

    def given(text: str) -> dict[str, Any]:
        received.clear()
        done = CliRunner().invoke(app_of(start), text.split(), catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return dict(received)

    assert given("") == {"own": 3}
    assert given("--names a --names b,c --most 0 --share 0 --own 4 --kind z") == {
        "names": ["a", "b,c"], "most": 0, "share": 0.0, "own": 4, "kind": "z"
    }  # fmt: skip
    assert given("--quick")["quick"] is True
    assert given("--no-quick")["quick"] is False
    assert given("--more a=1,b=x --more c=true")["more"] == {"a": 1, "b": "x", "c": True}
    assert "Some names." in CliRunner().invoke(app_of(start), ["--help"]).output


def test_what_was_given_wins_over_the_file_whatever_its_truth(
    configured: Callable[..., SweepConfig], tmp_path: Path
) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("profile: true\njobs: 4\ntest_pairs: 64\ndomain: texture\ndomain_params: {textures: /photos}\n")
    from_file = configured("--config", file)
    assert (from_file.profile, from_file.jobs, from_file.domain_params) == (True, 4, {"textures": "/photos"})
    given = configured("--config", file, "--no-profile", "--jobs", 0, "--textures", "/other")
    assert (given.profile, given.jobs, given.domain_params, given.test_pairs) == (False, 0, {"textures": "/other"}, 64)
    assert given.domain == ("texture",)


def test_several_files_are_merged_in_order(configured: Callable[..., SweepConfig], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("seed: 1\ntest_pairs: 64\nrecipe: {lr: 1e-3, epochs: 2}\n")
    (tmp_path / "b.yaml").write_text("seed: 2\nrecipe: {epochs: 3}\n")
    files = ("--config", tmp_path / "a.yaml", "--config", tmp_path / "b.yaml")
    config = configured(*files, "--recipe", "patience=1")
    assert (config.seed, config.test_pairs) == ((2,), 64)
    assert config.recipe == {"lr": 0.001, "epochs": 3, "patience": 1}


@pytest.mark.parametrize("given", ["lr=1,lr=2", "lr", "lr=[", f"lr={'[' * 50_000}", "lr=*a", "lr=!!int 3"])
def test_fields_that_cannot_be_read_are_one_short_line(given: str) -> None:
    with pytest.raises(UsageError, match=r"^--recipe ") as caught:
        options.read_fields("--recipe", [given])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_short_forms_are_fields_of_the_recipe(configured: Callable[..., SweepConfig]) -> None:
    config = configured("--recipe", "lr=0.1,objective=bce", "--objective", "hinge", "--aux", "centre=1,size=0.5")
    assert config.recipe == {"lr": 0.1, "objective": "hinge", "auxiliary": {"centre": 1, "size": 0.5}}
    footing = configured("--pairings", 1, "--budget", "macs:2e12")
    assert footing.recipe == {"pairs_per_image": 1, "budget": "macs:2e12"}
    assert configured("--precision", "bfloat16").recipe == {"precision": "bfloat16"}
    assert configured().recipe == {}


def test_short_forms_are_parameters_of_domains(configured: Callable[..., SweepConfig]) -> None:
    config = configured("--domain-params", "difficulty=hard,size=16", "--size", 64, "--textures", "/p")
    assert config.domain_params == {"difficulty": "hard", "size": 64, "textures": "/p"}
    assert configured().domain_params == {}


def test_a_parameter_that_no_domain_has_is_refused(bench: Bench, capsys: Captured) -> None:
    assert bench("run", "--dry-run", "--textures", "/p") == 2
    assert capsys.readouterr().err == "bench: --domain-params: color: no domain here has 'textures'\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seed", "x"), "'x' is not a seed; expected 3, 0..4 or 0,2,7"),
        (("--timeout", "soon"), "'soon' is not a duration; expected something like 90s, 20m or 2h"),
        (("--threads", "0"), "--threads: threads = 0"),
        (("--match-params", "x"), "'x' is not a tolerance"),
        (("--seed", "0..1000000000"), "at most 10,000 seeds"),
        (("--domain", "folder:photos_\udce9"), "one line of UTF-8"),
    ],
)
def test_a_value_out_of_range_names_its_option(
    bench: Bench, capsys: Captured, arguments: tuple[str, ...], message: str
) -> None:
    assert bench("run", "--dry-run", *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"bench: {arguments[0]}: ")
    assert message in line


def test_version(bench: Bench, capsys: Captured) -> None:
    assert bench("--version") == 0
    assert capsys.readouterr().out == f"fusebench {__version__}\n"


def loaded_by(*arguments: str) -> list[str]:
    """The packages that a call of the program imports."""
    code = f"""
import sys
from bench import cli
sys.argv = ["bench", *{arguments!r}]
assert cli.execute() == 0
print(" ".join(sys.modules))
"""
    printed = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT)
    return printed.splitlines()[-1].split()


def test_help_derives_no_options_and_that_of_run_needs_no_torch() -> None:
    assert not {"pydantic", "torch", "pandas", "rich.console"} & set(loaded_by("--help"))
    assert not {"torch", "pandas", "timm"} & set(loaded_by("run", "--help"))


def test_help_takes_a_third_of_a_second_of_this_processor() -> None:
    code = "from bench import cli; import sys; sys.argv = ['bench', '--help']; cli.main()"
    started = time.monotonic()
    taken = []
    while len(taken) < 3 or (min(taken) > 0.3 and time.monotonic() - started < 30):
        before = _children()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
        taken.append(_children() - before)
    assert min(taken) <= 0.3


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


@pytest.mark.parametrize(("words", "expected"), [("bench run --see", "--seeds-together"), ("bench re", "report")])
def test_completion_knows_commands_and_derived_options(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, words: str, expected: str
) -> None:
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    monkeypatch.setenv("_BENCH_COMPLETE", "complete_bash")
    with pytest.raises(SystemExit):
        cli.app(prog_name="bench")
    assert expected in capsys.readouterr().out.split()


def test_every_command_has_a_help_of_its_own(bench: Bench, capsys: Captured) -> None:
    for name in cli.COMMANDS:
        assert bench(name, "--help") == 0
        assert "Usage: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["foo"], "No such command 'foo'."),
        (["run", "--jbos", "3"], "No such option: --jbos (Possible options: --jobs)"),
        (["run", "--seed"], "Option '--seed' requires an argument."),
        (["data", "instal"], "No such command 'instal'. Did you mean 'install'?"),
    ],
)
def test_refused_options_are_one_line(bench: Bench, capsys: Captured, arguments: list[str], said: str) -> None:
    assert bench(*arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"bench: {said}")
    assert line.endswith(" --help)") or said.startswith("Option")


def test_without_a_command_the_help_is_shown(bench: Bench, capsys: Captured) -> None:
    assert bench() == 2
    assert "Commands:\n" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "table.md").touch()
    with pytest.raises(UsageError, match=r"^/.*/table.md: exists and is no folder$"):
        options.deliver("text", tmp_path / "table.md" / "table.md")


@pytest.mark.parametrize("command", ["advise", "list domains", "data"])
@pytest.mark.usefixtures("registries")
def test_a_plug_in_that_fails_to_load_is_named(bench: Any, tmp_path: Path, capsys: Any, command: str) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_module\n")
    assert bench(*command.split(), "--include", broken) == 0
    said = f"failed to load: {broken}: ModuleNotFoundError: No module named 'no_such_module'"
    assert said in capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("command", "refused"),
    [
        ("list fusions results", "RESULTS: fusions are not listed of runs, models are; leave it out"),
        ("list models --include plug.py", "--include: models are listed as they were kept; leave it out"),
        ("speed --compare a b --fusion sum --rounds 2", "--fusion, --rounds: --compare measures nothing; leave out"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(bench: Any, capsys: Any, command: str, refused: str) -> None:
    assert bench(*command.split()) == 2
    assert capsys.readouterr().err == f"bench: {refused}\n"
