"""The GitHub action: what its steps do, and the one comment that it keeps up to date, against a stand-in for GitHub."""

from __future__ import annotations

import json
import runpy
import socket
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bench.yaml12 import read_yaml

ROOT = Path(__file__).parents[1]
MARK = "<!-- fusebench quick -->"


class Stand:
    """What GitHub holds of one pull request, and whether it may be written to."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.refuses = 0

    def hold(self, body: str, kind: str = "Bot") -> None:
        self.comments.append({"id": 100 + len(self.comments), "body": body, "user": {"type": kind}})


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stand]:
    stand = Stand()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            assert path == "/repos/me/mine/issues/7/comments"
            page = int(query.rpartition("=")[2])
            self.answer(200, stand.comments[100 * (page - 1) : 100 * page])

        def do_POST(self) -> None:
            if stand.refuses:
                return self.answer(stand.refuses, {})
            stand.hold(self.read())
            return self.answer(201, stand.comments[-1])

        def do_PATCH(self) -> None:
            (one,) = [one for one in stand.comments if self.path == f"/repos/me/mine/issues/comments/{one['id']}"]
            one["body"] = self.read()
            self.answer(200, one)

        def read(self) -> str:
            assert self.headers["Authorization"] == "Bearer secret"
            return str(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"])

        def answer(self, code: int, content: Any) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=lambda: server.serve_forever(0.01), daemon=True).start()
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": "abcdef0123456789"}}}))
    for name, value in {
        "GITHUB_API_URL": f"http://127.0.0.1:{server.server_port}", "GITHUB_REPOSITORY": "me/mine",
        "GITHUB_TOKEN": "secret", "GITHUB_EVENT_PATH": str(event), "GITHUB_SERVER_URL": "https://example.org",
        "GITHUB_RUN_ID": "5", "no_proxy": "127.0.0.1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    yield stand
    server.shutdown()
    server.server_close()


def comment(tmp_path: Path, text: str, *more: str, seconds: float = 30) -> int:
    file = tmp_path / "comment.md"
    file.write_text(text)
    main = runpy.run_path(str(ROOT / ".ci" / "comment.py"))["main"]
    main.__globals__["SECONDS"] = seconds
    code: int = main([str(file), "--name", "quick", *more])
    return code


def test_a_second_run_changes_the_comment_of_the_first(github: Stand, tmp_path: Path) -> None:
    for number in range(120):
        github.hold(f"talk {number}", "User")
    github.hold(f"{MARK}\n\nsomebody quotes it", "User")
    github.hold("<!-- fusebench other -->\n\nanother check")
    assert comment(tmp_path, "### first\n", "--picture", "https://example.org/picture") == 0
    assert comment(tmp_path, "### second\n") == 0
    links = "[run](https://example.org/me/mine/actions/runs/5) · commit abcdef0123"
    assert [one["body"] for one in github.comments[120:]] == [
        f"{MARK}\n\nsomebody quotes it",
        "<!-- fusebench other -->\n\nanother check",
        f"{MARK}\n\n### second\n\n{links}",
    ]


def test_a_token_that_may_not_write_is_said_and_nothing_fails(github: Stand, tmp_path: Path, capsys) -> None:
    github.refuses = 403
    assert comment(tmp_path, "text") == 0
    assert capsys.readouterr().out.startswith("::warning::no comment: the token may not write (403)")
    github.refuses = 500
    assert comment(tmp_path, "text") == 1
    (tmp_path / "event.json").write_text('{"push": {}}')
    assert comment(tmp_path, "text") == 0
    assert capsys.readouterr().out.endswith("no pull request: no comment\n")
    assert not github.comments


def test_a_server_that_does_not_answer_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, github: Stand, tmp_path: Path, capsys
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert comment(tmp_path, "text", seconds=0.2) == 1
    assert capsys.readouterr().out == "::error::no comment: timed out\n"


STUB = """#!/bin/bash
printf "%s|" "$@" >> calls; echo >> calls
[ "$1" = "$FAILS" ] && { echo "bench: a \\`reason\\`" >&2; exit 2; }
[ "$1" = check ] || exit 0
[[ "$*" == *--out* ]] && echo "### fusebench: came out" > out/comment.md
exit $CHECKED
"""


@pytest.fixture
def step(tmp_path: Path) -> Callable[..., int]:
    """Runs a step as GitHub does, with a ``bench`` that says how it was called."""
    (tmp_path / "bench").write_text(STUB)
    (tmp_path / "bench").chmod(0o755)
    steps = read_yaml((ROOT / "action.yml").read_text())["runs"]["steps"]
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "RUN": "results/my run", "BASELINE": "base.jsonl", "FOLDER": "out",
           "OPTIONS": "--margin 2", "METRIC": "auc", "GITHUB_OUTPUT": "output", "CHECKED": "0"}  # fmt: skip

    def run(number: int, **more: str) -> int:
        line = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", steps[number]["run"]]
        return subprocess.run(line, cwd=tmp_path, env=env | more, check=False).returncode

    return run


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_steps_end_as_the_check_does(step: Callable[..., int], code: int, tmp_path: Path) -> None:
    assert step(0, CHECKED=str(code)) == 0
    assert (tmp_path / "output").read_text() == f"code={code}\n"
    asked = "check|results/my run|--baseline|base.jsonl|--metric|auc|--margin|2|--format|"
    assert (tmp_path / "calls").read_text().splitlines() == [
        f"{asked}comment|--out|out/comment.md|",
        f"{asked}github|",
        "history|base.jsonl|results/my run|--metric|auc|--out|out/history.md|--picture|out|",
        "plot|results/my run|--metric|auc|--out|out|",
    ]
    assert (tmp_path / "out" / "comment.md").read_text() == "### fusebench: came out\n"
    assert step(-1, CODE=str(code)) == code


def test_a_metric_among_the_options_is_drawn_as_well(step: Callable[..., int], tmp_path: Path) -> None:
    assert step(0, METRIC="accuracy", OPTIONS="--margin 2 --metric f1") == 0
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.count("--metric|f1|") for call in calls] == [2, 2, 1, 1]


def test_a_check_that_could_not_run_replaces_the_comment_of_an_earlier_push(
    step: Callable[..., int], tmp_path: Path
) -> None:
    assert step(0) == 0
    assert step(0, FAILS="check") == 0
    assert (tmp_path / "output").read_text() == "code=0\ncode=2\n"
    said = (tmp_path / "out" / "comment.md").read_text()
    assert said == "### fusebench: the check could not run\n\n`bench: a reason`\n"
    (commenting,) = [one for one in read_yaml((ROOT / "action.yml").read_text())["runs"]["steps"] if "if" in one]
    assert commenting["if"] == "${{ inputs.comment == 'true' }}"
    assert step(-1, CODE="2") == 2


@pytest.mark.parametrize(("fails", "what"), [("history", "history"), ("plot", "pictures")])
def test_what_cannot_be_drawn_is_said_in_the_comment(
    step: Callable[..., int], tmp_path: Path, fails: str, what: str
) -> None:
    assert step(0, FAILS=fails) == 0
    assert (tmp_path / "output").read_text() == "code=0\n"
    said = (tmp_path / "out" / "comment.md").read_text()
    assert said == f"### fusebench: came out\n\nNo {what}: `bench: a reason`\n"
