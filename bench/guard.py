"""Code of others that runs in the main process, where it could end the program, or never return.

What is run is announced to the process that supervises this one (:mod:`bench.cli.supervisor`). Where it ends this
process in a way that no ``except`` can see, the supervisor starts the command again with its name among the culprits,
and the others go on.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout, suppress

from bench.errors import in_a_line
from bench.interrupt import pass_on_interrupt

NOTHING = ""
# Private names of the modules of plug-ins, by the folder of those that are built in.
PLUGIN_NAMESPACE = "_fusebench_plugins"
BUILT_IN_FOLDERS = ("fusions", "datasets")
OWN = "bench.", *(f"{PLUGIN_NAMESPACE}.{folder}." for folder in BUILT_IN_FOLDERS)
# How workers learn which culprits there are, wherever they are started from this process.
LEFT_OUT = "FUSEBENCH_LEFT_OUT"


class EndsTheProgramError(Exception):
    """Code of others tried to end the program; the message says how."""


class EndedTheProgramError(EndsTheProgramError):
    """Code of others ended the program the last time that it ran, and does not run again."""


class _Supervised:
    notes: int | None = None
    culprits: Mapping[str, str] = json.loads(os.environ.get(LEFT_OUT, "{}"))


def supervise(notes: int, culprits: Mapping[str, str]) -> None:
    """Announce what runs on the file descriptor ``notes``, and run none of ``culprits``, which are reasons by name."""
    _Supervised.notes = notes
    leave_out(culprits)


def culprits() -> Mapping[str, str]:
    """What does not run in this process, as it ended the program: reasons by name."""
    return _Supervised.culprits


def leave_out(culprits: Mapping[str, str]) -> None:
    """Run none of these, here and in workers that are started from this process: reasons by name."""
    _Supervised.culprits = culprits
    if culprits:
        os.environ[LEFT_OUT] = json.dumps(dict(culprits))


@contextmanager
def running(what: str) -> Iterator[None]:
    """Code of others runs within, which is called ``what``. Stdout is not its place, and the current folder stays.

    Raises:
        EndsTheProgramError: it asks for the program to exit.
        EndedTheProgramError: it ended the program the last time.
    """
    if what in _Supervised.culprits:
        raise EndedTheProgramError(_Supervised.culprits[what])
    process = os.getpid()
    _announce(what)
    try:
        with same_folder(), redirect_stdout(sys.stderr):
            yield
    except BaseException as error:
        pass_on_interrupt(error)
        if isinstance(error, Exception):
            raise
        raise EndsTheProgramError(in_a_line(error)) from error
    finally:
        if os.getpid() != process:
            os._exit(0)  # a copy of this process, made by the code of others, must not go on with its work
        _announce(NOTHING)


def building(cls: type, what: str) -> AbstractContextManager[None]:
    """:func:`running` where ``cls`` is code of others: who kills the program while it builds something of its own is
    somebody else."""
    return nullcontext() if cls.__module__.startswith(OWN) else running(what)


@contextmanager
def same_folder() -> Iterator[None]:
    """The current folder is afterwards what it was, whatever code of others made of it."""
    try:
        before = os.getcwd()
    except OSError:
        before = ""  # it was removed
    try:
        yield
    finally:
        if before:
            with suppress(OSError):
                os.chdir(before)


def _announce(what: str) -> None:
    if _Supervised.notes is not None:
        with suppress(OSError):
            os.write(_Supervised.notes, what.replace("\n", " ").encode(errors="replace") + b"\n")
