"""Domains that read packages: what the user has installed is tested, and nothing is fetched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from bench.domain import Domain, build_domain, clear_identities
from bench.errors import UsageError

# Before the session of tests gets a cache of its own.
CACHE = os.environ.get("FUSEBENCH_CACHE", "")


@pytest.fixture(scope="module")
def from_packages() -> Iterator[Callable[[str], Domain]]:
    """Builds a domain from the packages in the user's cache; without them the test is skipped."""

    def build(name: str) -> Domain:
        try:
            return build_domain(name)
        except UsageError as error:
            pytest.skip(str(error))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSEBENCH_CACHE", CACHE)
        clear_identities()
        yield build
    clear_identities()
