"""The command line. Nothing in this package imports torch, timm, pandas or matplotlib at module level."""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import bench
from bench.cli.advise import advise
from bench.cli.audit import audit
from bench.cli.check import check
from bench.cli.choose import choose
from bench.cli.compare import compare
from bench.cli.conformance import test
from bench.cli.data import data
from bench.cli.debug import debug
from bench.cli.doctor import doctor
from bench.cli.evaluate import evaluate
from bench.cli.export import export
from bench.cli.fingerprint import fingerprint
from bench.cli.history import history
from bench.cli.listing import list_entries
from bench.cli.look import look
from bench.cli.new import new
from bench.cli.plot import plot
from bench.cli.predict import predict
from bench.cli.probe import probe
from bench.cli.report import report
from bench.cli.run import run
from bench.cli.show import show
from bench.cli.speed import speed
from bench.cli.stdout import whole_stdout
from bench.cli.supervisor import FAILED, supervised
from bench.cli.tune import tune
from bench.cli.verify import verify
from bench.errors import LONGEST_LINE, StorageError, UsageError, in_a_line, message_of
from bench.guard import EndsTheProgramError
from bench.interrupt import Interrupted
from bench.text import printable

COMMANDS: dict[str, Callable[..., None] | typer.Typer] = {
    "advise": advise,
    "run": run,
    "tune": tune,
    "choose": choose,
    "predict": predict,
    "eval": evaluate,
    "debug": debug,
    "report": report,
    "plot": plot,
    "look": look,
    "compare": compare,
    "check": check,
    "history": history,
    "verify": verify,
    "export": export,
    "fingerprint": fingerprint,
    "new": new,
    "list": list_entries,
    "show": show,
    "test": test,
    "audit": audit,
    "probe": probe,
    "speed": speed,
    "data": data,
    "doctor": doctor,
}
PLAIN: dict[str, Any] = {"pretty_exceptions_enable": False, "rich_markup_mode": None}
# What typer raises about options and arguments; its name is another one in each version.
RefusedError: type[typer.BadParameter] = next(of for of in typer.BadParameter.__mro__ if of.__name__ == "UsageError")


class Commands(TyperGroup):
    """The commands by name and description; each gets its options when it is called, since some are slow to derive."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, command in COMMANDS.items():
            description = command.info.help if isinstance(command, typer.Typer) else inspect.getdoc(command)
            self.add_command(TyperCommand(name, help=description), name)

    def main(self, *args: Any, standalone_mode: bool = True, **settings: Any) -> Any:
        """Options that are refused are one line, as any other bad input; no command at all is answered by the help."""
        try:
            found = super().main(*args, **settings | {"standalone_mode": False})
        except RefusedError as error:
            said, where = error.format_message(), error.ctx
            if where and said == where.get_help():
                raise
            raise UsageError(" ".join(said.split()) + (f" ({where.command_path} --help)" if where else "")) from None
        except typer.Abort as error:
            # What typer makes of an EOFError, which a damaged file can raise anywhere.
            raise (error.__cause__ or error) from None
        if standalone_mode:
            sys.exit(found)
        return found

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, found, rest = super().resolve_command(ctx, args)
        return name, found and _with_options(COMMANDS[found.name or ""]), rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Interrupted as error:
            raise typer.Exit(error.exit_code) from None
        except SystemExit as error:
            # No command of this program raises it.
            raise EndsTheProgramError(in_a_line(error)) from error


def _with_options(command: Callable[..., None] | typer.Typer) -> Any:
    if isinstance(command, typer.Typer):
        return typer.main.get_command(command)
    alone = typer.Typer(add_completion=False, **PLAIN)
    alone.command()(command)
    return typer.main.get_command(alone)


app = typer.Typer(
    name="bench",
    help="Benchmark how a network should join two images: fusions x backbones x seeds x domains.",
    cls=Commands,
    no_args_is_help=True,
    **PLAIN,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"fusebench {bench.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of ``bench`` and ``fusebench``: bad input becomes one line on stderr and exit code 2."""
    # Weights are only taken from the local cache, unless the user says otherwise.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    sys.exit(supervised(execute))


def execute() -> int:
    """Run the command that ``sys.argv`` holds in this process; returns its exit code."""
    try:
        with whole_stdout():
            app()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 0
    except UsageError as error:
        return _end_with(error, 2)
    except RefusedError as error:
        error.show()
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        if isinstance(error, EndsTheProgramError) or _in_plugin(error):
            return _end_with(error, FAILED)
        if isinstance(error, OSError) and error.filename is not None:
            return _end_with(StorageError.of(error.filename, error), 2)
        traceback.print_exception(error)
        return 1
    return 0


def _end_with(error: BaseException, code: int) -> int:
    """Tell of an error in a line; one of a plug-in with the place that it came from."""
    is_plain = isinstance(error, UsageError | EndsTheProgramError)
    text = message_of(error) if is_plain else f"{_in_plugin(error)}{in_a_line(error)}"
    print(f"bench: {printable(text.strip(), LONGEST_LINE)}", file=sys.stderr)
    return code


def _in_plugin(error: BaseException) -> str:
    """The last place in a user's own file that an error came through, such as ``plug.py, line 3: ``; empty where none
    is."""
    zoo = sys.modules.get("bench.zoo")
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    own = [f"{path.name}, line {line}: " for path, line in frames if zoo and zoo.is_included(path)]
    return own[-1] if own else ""
