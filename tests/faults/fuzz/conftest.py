"""Thousands of inputs in one process, each with a limit of time and memory."""

from __future__ import annotations

import random
import resource
import signal
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bench.cli import app
from bench.errors import UsageError
from bench.text import printable

SECONDS = 60  # on a busy machine, where the first one imports a good deal; alone the slowest takes one
MEMORY = 6 * 2**30  # beyond what the process has when it starts
CODES = (0, 1, 2, 3)


class TooLongError(BaseException):
    """An input kept the program busy beyond its limit; nothing that handles errors stops it."""


@dataclass(frozen=True)
class Answer:
    """What the program said to an input."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TooLongError(f"still at work after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    # Again and again: what is raised in a callback of the interpreter is lost.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session", autouse=True)
def _bounded_memory() -> Iterator[None]:
    """An input that asks for more fails here, and does not fill the machine."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture(scope="session", autouse=True)
def _fonts_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The list of fonts that matplotlib keeps in the home is none of our files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("fonts")))
        yield


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which inputs lie; what stands beside it, and the home, is as before when all is done.

    No input makes the program create the file that ``planted`` names.
    """
    beside = {name: tmp_path / name for name in ("home", "beside")}
    for folder in beside.values():
        folder.mkdir()
        (folder / "kept.txt").write_text("kept\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.setenv("HOME", str(beside["home"]))
    monkeypatch.chdir(inside)
    yield inside
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if inside not in (path, *path.parents)}
    assert found == {"home", "home/kept.txt", "beside", "beside/kept.txt"}
    assert not planted(inside).exists(), "code of an input was executed"


def planted(folder: Path) -> Path:
    """The file that planted code would make."""
    return folder / "planted-code-was-here"


@pytest.fixture
def mine(place: Path) -> str:
    """Python that makes the file which shows that code of an input was executed."""
    return f"open({str(planted(place))!r}, 'w').close()"


@pytest.fixture
def call() -> Callable[..., Answer]:
    """Calls the program in this process; bad input is an answer, any other exception fails the test."""

    def run(*arguments: object) -> Answer:
        with limited(SECONDS):
            result = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="bench")
        if isinstance(result.exception, UsageError):
            message = str(result.exception)
            assert message.strip(), "no word about what is wrong"
            # As the command prints it, which test_command_lines.py looks at.
            return Answer(2, result.stdout, f"{result.stderr}bench: {printable(message)}")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            assert result.exc_info
            raise result.exception
        assert result.exit_code in CODES
        return Answer(result.exit_code, result.stdout, result.stderr)

    return run


class Failures:
    """The ways in which a check fails, with one input for each."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts, self._found = counts, dict[str, Any]()

    def of(self, check: Callable[[Any], None], example: Any) -> None:
        self._counts["fuzzed inputs"] += 1
        try:
            check(example)
        except (Exception, pytest.fail.Exception, TooLongError) as failure:
            place = traceback.extract_tb(failure.__traceback__)[-1]
            kind = f"{type(failure).__name__} at {Path(place.filename).name}:{place.lineno}: {str(failure)[:600]}"
            self._found.setdefault(kind, example)
            self._counts["fuzzed inputs that failed"] += 1

    def raise_any(self) -> None:
        if self._found:
            pytest.fail("\n\n".join(f"{kind}\nfrom {str(example)[:500]}" for kind, example in self._found.items()))


@pytest.fixture
def fuzz(tools: Any) -> Callable[..., None]:
    """Runs a check on many inputs, the same ones whenever it runs, and lists the ways in which they fail."""

    def run(inputs: st.SearchStrategy[Any], whole: int, check: Callable[[Any], None]) -> None:
        failures = Failures(tools.counts)

        @settings(
            max_examples=tools.share(whole, max(whole // 100, 5)),
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(inputs)
        def each(example: Any) -> None:
            failures.of(check, example)

        each()
        failures.raise_any()

    return run


@pytest.fixture
def every(tools: Any) -> Callable[..., None]:
    """Runs a check on all of the given inputs, or on a few of them in the slice."""

    def run(cases: list[Any], check: Callable[[Any], None]) -> None:
        failures = Failures(tools.counts)
        for case in tools.some(cases):
            failures.of(check, case)
        failures.raise_any()

    return run


def damaged(content: bytes, seed: int) -> bytes:
    """``content`` with some bytes changed, left out, repeated or put in, or cut off."""
    chance = random.Random(seed)
    found = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5, 30])):
        at, length = chance.randrange(len(found) + 1), chance.choice([1, 1, 2, 8, 100])
        replaced = [
            b"",
            chance.randbytes(length),
            bytes(found[at : at + length]) * 2,
            chance.choice(
                [b"\0", b"\xff", b"\n", b'"', b"{", b"[" * 5000, b"NaN", b"-1", b"1e999", b"null", b"\xed\xa0\x80"]
            ),
        ]
        found[at : at + length] = chance.choice(replaced)
    return bytes(found[: chance.randrange(len(found) + 1)] if chance.random() < 0.2 else found)


@pytest.fixture(scope="session")
def damage() -> Callable[[bytes, int], bytes]:
    return damaged


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 5),
    st.sampled_from([10**30, -(10**30), 2**63, 1e308, -0.0, 1e-320, float("nan"), float("inf"), float("-inf"), 1.5]),
    st.sampled_from(
        ["", " ", "0", "-1", "all", "a,b", "*", "[", "0..3", "1:30", "no", "nan", "x" * 3000, "\0", "\n", "é"]
    ),
    st.sampled_from(
        ["\x1b[31m", "=cmd()", "<script>", "../..", "/dev/null", "a:b=1", "color:x=", "\ufeff", "%s", "{0}"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(SCALARS.filter(lambda key: key == key), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="session")
def values() -> st.SearchStrategy[Any]:
    """Whatever YAML or JSON can hold, mostly what nobody expects."""
    return VALUES


@pytest.fixture(scope="session")
def scalars() -> st.SearchStrategy[Any]:
    return SCALARS
