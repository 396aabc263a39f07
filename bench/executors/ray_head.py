"""Where the head of a Ray cluster is, and whether one that is started here asks for a token."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

AUTO, LOCAL = "auto", "local"


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
