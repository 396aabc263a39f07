"""Which Ray cluster a sweep works in, and what is said where there is none."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.errors import UsageError
from bench.executors.ray_head import connected


def connect(address: str, init: Callable[..., object]) -> None:
    with connected(SimpleNamespace(is_initialized=lambda: False, init=init, shutdown=lambda: None), address):
        pass


def test_a_cluster_that_cannot_be_had_costs_no_cell() -> None:
    def fail(**asked: object) -> None:
        raise ValueError("no room\nin here")

    with pytest.raises(UsageError, match="executor ray: no Ray cluster at local: ValueError: no room"):
        connect("local", fail)


@pytest.mark.parametrize("by", ["parameters", "environment"])
def test_where_nobody_listens_it_says_so_at_once(monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        address = f"127.0.0.1:{port}" if by == "parameters" else "auto"
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
        with pytest.raises(UsageError, match=f"no Ray cluster at 127.0.0.1:{port} .Connection refused.; start one"):
            connect(address, lambda **asked: pytest.fail("it was asked"))


@pytest.mark.parametrize("kept", [True, False])
def test_a_cluster_that_asks_for_a_token_is_told_from_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: bool
) -> None:
    def refuse(**asked: object) -> None:
        raise ConnectionError("Failed to connect to Ray cluster")

    token = tmp_path / "token"
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
    if kept:
        token.write_text("a token")
    with socket.create_server(("127.0.0.1", 0)) as head, pytest.raises(UsageError, match="no Ray cluster") as told:
        connect(f"127.0.0.1:{head.getsockname()[1]}", refuse)
    assert ("set RAY_AUTH_MODE=token" in str(told.value)) is kept


def test_a_cluster_that_left_its_address_behind_is_not_asked_for_ever(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        named = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
        monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text(named)
        with pytest.raises(UsageError, match=f"no Ray cluster at {named} .Connection refused.; start one"):
            connect("auto", lambda **asked: pytest.fail("it was asked"))


def test_a_cluster_that_runs_here_is_taken_whatever_one_before_left_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:1")
    asked = dict[str, Any]()
    with socket.create_server(("127.0.0.1", 0)) as head:
        running = {f"127.0.0.1:{head.getsockname()[1]}"}
        monkeypatch.setattr("ray._private.services.find_gcs_addresses", lambda: running)
        connect("auto", lambda **given: asked.update(given))
    assert asked["address"] == "auto"
