"""Where fusebench keeps what it computes once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cache_folder import cache_folder
from bench.errors import UsageError


def test_the_cache_lies_in_the_home_folder_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUSEBENCH_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "fusebench"


def test_a_file_in_its_place_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UsageError, match=rf"{tmp_path / 'file'} is none; set FUSEBENCH_CACHE"):
        cache_folder()
