"""Options and outputs that commands share, and the options that are derived from a model of configuration."""

from __future__ import annotations

import functools
import importlib
import inspect
import io
import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Optional, Union, get_args, get_origin

import typer

from bench.atomic import write_text_atomically
from bench.cli.stdout import written_to_stdout
from bench.errors import LONGEST_VALUE, UsageError
from bench.guard import BUILT_IN_FOLDERS
from bench.metrics import judged_metrics
from bench.text import printable, without_home

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo
    from rich.table import Table

    from bench.records.load import Run

Names = Optional[list[str]]
IncludeOption = Annotated[Names, typer.Option(help="Plug-in file or folder; may be repeated.")]
FusionOption = Annotated[Names, typer.Option(help="all, names, globs or name:param=value; commas or repeated.")]
BackboneOption = Annotated[Names, typer.Option(help="Backbones; any timm model as timm:NAME.")]
RunsArgument = Annotated[
    list[Path], typer.Argument(metavar="PATH", help="Run folders, or folders of run folders; read together.")
]
ModelArgument = Annotated[
    Path, typer.Argument(help="Stored model: its file, a run folder and the start of its key, or a folder of one.")
]
OutOption = Annotated[Optional[Path], typer.Option(help="Write here instead of to stdout.")]
JudgedOption = Annotated[str, typer.Option(help=f"On the domain trained on; one of {', '.join(judged_metrics())}.")]
MarginOption = Annotated[
    Optional[float],
    typer.Option(
        min=0, max=100, help="Drop that is of no interest, in points (default: gate_margin of the new run, or 1)."
    ),
]
FactorOption = Annotated[
    Optional[float],
    typer.Option(
        min=1, max=1000, help="Slowdown that is still noise (default: that of the baseline, else none is judged)."
    ),
]
MissingOption = Annotated[bool, typer.Option("--allow-missing", help="The new run may lack cells of the baseline.")]
GateFormatOption = Annotated[
    str, typer.Option("--format", help="table, md, comment, json, junit, github, or one of --include.")
]


class OptionsOf:
    """A command with an option for each field of a model, beside those of its own signature.

    The command gets as keywords what was given, whatever its truth: defaults are those of the model. The model is
    imported when its options are asked for, since ``bench --help`` needs none of them.

    Args:
        model: as ``module:Class``; a field is an option by its name, with its description as the help.
        left_out: fields that are none.
    """

    def __init__(self, model: str, left_out: Collection[str], command: Callable[..., None]) -> None:
        functools.update_wrapper(self, command)
        self._path, self._left_out, self._command = model, left_out, command

    @functools.cached_property
    def _model(self) -> type[BaseModel]:
        module, _, name = self._path.partition(":")
        model: type[BaseModel] = getattr(importlib.import_module(module), name)
        return model

    @property
    def _fields(self) -> dict[str, FieldInfo]:
        return {name: field for name, field in self._model.model_fields.items() if name not in self._left_out}

    @property
    def __signature__(self) -> inspect.Signature:
        own = inspect.signature(self._command, eval_str=True).parameters.values()
        derived = [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=None,
                annotation=Annotated[_type_of(field.annotation), typer.Option(help=field.description)],
            )
            for name, field in self._fields.items()
        ]
        found = [*derived, *(one for one in own if one.kind is not inspect.Parameter.VAR_KEYWORD)]
        # What has no default has to stand first.
        return inspect.Signature(sorted(found, key=lambda one: one.default is not one.empty))

    def __call__(self, **values: Any) -> None:
        for name, field in self._fields.items():
            value = values.pop(name, None)
            if value is not None:
                is_mapping = get_origin(field.annotation) is dict
                values[name] = read_fields(f"--{name.replace('_', '-')}", value) if is_mapping else value
        self._command(**values)


def options_of(model: str, left_out: Collection[str] = ()) -> Callable[[Callable[..., None]], OptionsOf]:
    """Decorator of a command that gets the fields of a model as options, but for those ``left_out``."""
    return functools.partial(OptionsOf, model, left_out)


def _type_of(annotation: Any) -> Any:
    """How a field is typed on a command line: numbers and switches as such, several values as texts, else a text."""
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(kind for kind in get_args(annotation) if kind is not type(None))
    if get_origin(annotation) in (tuple, dict):
        return Optional[list[str]]
    return Optional[annotation] if annotation in (bool, int, float) else Optional[str]


def read_fields(option: str, parts: list[str]) -> dict[str, Any]:
    """``a=1,b=2`` as a mapping; values are YAML scalars.

    Raises:
        UsageError: a part without ``=``, a field given twice, or a value that is not YAML.
    """
    from bench.yaml12 import read_yaml

    fields: dict[str, Any] = {}
    for part in ",".join(parts).split(","):
        key, sign, value = part.partition("=")
        if not sign:
            raise UsageError(f"{option} {_shown(part)}: expected field=value")
        if key.strip() in fields:
            raise UsageError(f"{option} {_shown(part)}: {_shown(key.strip())} is given twice")
        try:
            fields[key.strip()] = read_yaml(value)
        except (ValueError, RecursionError):
            raise UsageError(
                f"{option} {_shown(part)}: {_shown(value)} is not a number, a word, true or false"
            ) from None
    return fields


def _shown(text: str) -> str:
    """In quotes, as messages repeat what was given."""
    return printable(repr(text), LONGEST_VALUE)


def refuse_given(context: typer.Context, names: Collection[str], why: str) -> None:
    """Refuse parameters that a command has no use for here.

    Args:
        names: of the parameters.

    Raises:
        UsageError: some of them are given on the command line.
    """
    given = []
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is not None and source.name == "COMMANDLINE":
            is_option = parameter.param_type_name == "option"
            given.append(parameter.opts[0] if is_option else parameter.name.upper())
    if given:
        raise UsageError(f"{', '.join(given)}: {why}")


def load_zoo(include: Iterable[str] | None, built_in: Iterable[str] = BUILT_IN_FOLDERS) -> None:
    """:func:`bench.zoo.load`, naming the plug-ins that fail to load on stderr.

    Raises:
        UsageError: a path does not exist or is not a Python file.
    """
    from bench import zoo

    zoo.load(include or (), built_in)
    for plugin in zoo.broken_plugins():
        typer.echo(printable(f"failed to load: {plugin.path}: {plugin.error}"), err=True)


def load_plugins(include: Iterable[str] | None) -> None:
    """:func:`load_zoo` without the built-in plug-ins, which import torch: for what reads records alone."""
    if include:
        load_zoo(include, built_in=())


def name_left_out(paths: Iterable[Path], runs: Iterable[Run]) -> None:
    """Say on stderr which of several paths hold no run, and what of the ``runs`` read there is lost."""
    from bench.records.load import damage, without_runs

    for path in without_runs(paths):
        typer.echo(f"left out: {path}, no run in it", err=True)
    for sentence in damage(runs):
        typer.echo(f"warning: {sentence}", err=True)


def emit(text: str) -> None:
    """Print a product on stdout, all of it. As it may be handed on, no path in it names the home folder of the user.

    Raises what :func:`written_to_stdout` does.
    """
    # As bytes: a terminal or pipe without UTF-8 must not end the command.
    rest = memoryview(without_home(text).encode(errors="backslashreplace"))
    stream = typer.get_binary_stream("stdout")
    with written_to_stdout():
        sys.stdout.flush()
        while rest:
            # Where Python does not buffer, a write takes what there is room for.
            rest = rest[stream.write(rest) or 0 :]
        stream.flush()


def table_text(table: Table, note: str = "") -> str:
    """A table as it is printed: in colours and as wide as the terminal where stdout is one, else plain and wide."""
    from rich.console import Console

    shown, text = Console(), io.StringIO()
    console = Console(file=text, force_terminal=shown.is_terminal, width=shown.width if shown.is_terminal else 200)
    console.print(table)
    console.print(note, end="\n" if note else "", highlight=False)
    return text.getvalue()


def deliver(text: str, out: Path | None) -> None:
    """Print a product, or write it to a file in one step and say so."""
    if out is None:
        emit(text)
        return
    write_text_atomically(out, text)
    typer.echo(f"wrote {out}", err=True)
