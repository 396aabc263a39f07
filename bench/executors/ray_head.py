"""The Ray cluster that a sweep works in: where its head is, whether it answers, and one that is started here."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.errors import UsageError, in_a_line
from bench.interrupt import signals_kept

RAY, AUTO, LOCAL = "ray", "auto", "local"
REACH_SECONDS = 10.0
LOCAL_STORE_BYTES = 200 * 2**20


@contextmanager
def connected(ray: Any, address: str, cpus: int | None = None) -> Iterator[None]:
    """A cluster to work in; one that is in use already, as in a notebook, stays so.

    Args:
        ray: the library.
        address: ``AUTO``, ``LOCAL``, or a head with its port.
        cpus: of a cluster that is started here; by default those of this machine.

    Raises:
        UsageError: there is none.
    """
    if ray.is_initialized():
        yield
        return
    asked: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": "ERROR"}
    if address == LOCAL:
        asked |= {"include_dashboard": False, "object_store_memory": LOCAL_STORE_BYTES}
        asked |= {"num_cpus": cpus} if cpus else {}
    _check(address)
    with signals_kept():
        try:
            ray.init(**asked)
        except ConnectionError:
            # To an address that is named Ray shows a token only when it is told to.
            head, told = named(address), "RAY_AUTH_MODE" in os.environ
            token = "; if the one there asks for a token, set RAY_AUTH_MODE=token"
            raise UsageError(
                _nobody_at(head or address) + (token if head and not told and has_token() else "")
            ) from None
        except Exception as error:
            raise UsageError(f"executor {RAY}: no Ray cluster at {address}: {in_a_line(error)}") from None
    try:
        yield
    finally:
        with signals_kept():
            ray.shutdown()


def _check(address: str) -> None:
    """Ray itself asks a head that is not there again and again, and does not give up."""
    head = named(address) or (found_here() if address == AUTO else address)
    host, _, port = head.rpartition(":")
    if not port.isdigit() or "//" in host:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_SECONDS).close()
    except (OSError, ValueError) as error:
        raise UsageError(_nobody_at(f"{head} ({getattr(error, 'strerror', None) or error})")) from None


def _nobody_at(address: str) -> str:
    start = f"start one with ray start --head, or use {RAY}:address={LOCAL}"
    return f"executor {RAY}: no Ray cluster at {address}; {start}"


def has_token() -> bool:
    """Whether a cluster that ``ray start`` makes here asks for one: the first that Ray starts by itself leaves one."""
    kept = os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token"
    return bool(os.environ.get("RAY_AUTH_TOKEN")) or Path(kept).is_file()


def named(address: str) -> str:
    """The head that the user named, as parameter or in ``RAY_ADDRESS``; empty where Ray is to look for one."""
    given = os.environ.get("RAY_ADDRESS", "") if address == AUTO else address
    return "" if given in (AUTO, LOCAL) else given


def found_here() -> str:
    """The head that Ray would take for ``auto``, which may have ended since; empty where it finds none."""
    with suppress(ImportError, AttributeError, ConnectionError):
        from ray._private.services import get_ray_address_from_environment

        return str(get_ray_address_from_environment(AUTO, None))
    return ""
