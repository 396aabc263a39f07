"""Keeps one comment on a pull request up to date, from within a workflow run of GitHub Actions.

``python .ci/comment.py FILE --name NAME [--picture URL]``: the text of FILE becomes that of the comment that an earlier
run of the same name left, or a new comment. Where there is no pull request, or its token may not write (that of a fork
never may), this is said and nothing fails. Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PAGE = 100
SECONDS = 30.0
NOT_ALLOWED = (401, 403, 404)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 1 where GitHub could not be reached or refused for another reason than rights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--name", default="check", help="several checks of one pull request have a comment each")
    parser.add_argument("--picture", default="", help="address of a picture, or of an artifact that holds some")
    args = parser.parse_args(argv)
    request = pull_request(os.environ)
    if request is None:
        print("no pull request: no comment")
        return 0
    mark = f"<!-- fusebench {args.name.replace('--', '-')} -->"
    links = footer(os.environ, request["head"]["sha"], args.picture)
    body = "\n\n".join([mark, args.file.read_text(encoding="utf-8").strip(), links])
    try:
        print(put(GitHub(os.environ), request["number"], mark, body))
    except HTTPError as error:
        if error.code not in NOT_ALLOWED:
            print(f"::error::no comment: GitHub answered {error.code} {error.reason}")
            return 1
        print(f"::warning::no comment: the token may not write ({error.code}); give pull-requests: write")
    except (OSError, HTTPException, ValueError) as error:
        # No connection, none that answers in time, or an answer that is cut off or no JSON.
        print(f"::error::no comment: {getattr(error, 'reason', error)}")
        return 1
    return 0


def pull_request(env: Mapping[str, str]) -> dict[str, Any] | None:
    """What the workflow runs for, if that is a pull request."""
    path = env.get("GITHUB_EVENT_PATH")
    event = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    found: dict[str, Any] | None = event.get("pull_request")
    return found


def footer(env: Mapping[str, str], commit: str, picture: str) -> str:
    """Where the picture and the whole list are, and what they are of."""
    run = f"{env['GITHUB_SERVER_URL']}/{env['GITHUB_REPOSITORY']}/actions/runs/{env['GITHUB_RUN_ID']}"
    links = [f"[pictures]({picture})"] if picture else []
    return " · ".join([*links, f"[run]({run})", f"commit {commit[:10]}"])


class GitHub:
    """Its comments, with what a workflow run is given to reach them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._comments = f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}/issues"
        self._token = env["GITHUB_TOKEN"]

    def of(self, number: int) -> Iterator[dict[str, Any]]:
        """All comments on a pull request, the oldest first."""
        page = 1
        while found := self._ask("GET", f"/{number}/comments?per_page={PAGE}&page={page}"):
            yield from found
            if len(found) < PAGE:
                return
            page += 1

    def add(self, number: int, body: str) -> None:
        """Write a new comment."""
        self._ask("POST", f"/{number}/comments", body)

    def change(self, comment: int, body: str) -> None:
        """Put ``body`` in the place of what a comment says."""
        self._ask("PATCH", f"/comments/{comment}", body)

    def _ask(self, method: str, path: str, body: str | None = None) -> Any:
        data = None if body is None else json.dumps({"body": body}).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/vnd.github+json"}
        with urlopen(Request(self._comments + path, data, headers, method=method), timeout=SECONDS) as answer:
            return json.load(answer)


def put(github: GitHub, number: int, mark: str, body: str) -> str:
    """Write the comment; returns what was done. Only what a bot wrote is changed: others may quote the mark."""
    for comment in github.of(number):
        if comment["body"].startswith(mark) and comment["user"]["type"] == "Bot":
            github.change(comment["id"], body)
            return f"changed comment {comment['id']} of pull request {number}"
    github.add(number, body)
    return f"commented on pull request {number}"


if __name__ == "__main__":
    raise SystemExit(main())
