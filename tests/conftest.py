"""What every test relies on: the built-in plug-ins, one thread, a cache of its own, and no network."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest
import torch

from bench import zoo

# Read once, when timm imports the hub client.
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session", autouse=True)
def _session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSEBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        torch.set_num_threads(1)
        zoo.load()
        yield


@pytest.fixture
def registries() -> Iterator[None]:
    """Whatever the test registers, and every plug-in that it breaks, is forgotten afterwards."""
    before = [(registry, {name: registry.get(name) for name in registry}) for registry in zoo._REGISTRIES]
    broken = dict(zoo._broken)
    yield
    for registry, classes in before:
        registry._classes = classes
    zoo._broken.clear()
    zoo._broken.update(broken)


@pytest.fixture
def plugin(tmp_path: Path, registries: None) -> Callable[..., Path]:
    """Writes a plug-in file and loads it; returns its path. The body goes below the imports a fusion needs."""

    def write(body: str, name: str = "plugin", load: bool = True) -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(PREAMBLE + dedent(body))
        if load:
            zoo.load([path])
            assert not [broken for broken in zoo.broken_plugins() if broken.path == path], zoo.broken_plugins()
        return path

    return write


PREAMBLE = '''\
"""A plug-in of a test."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, MapShape, mlp, register

'''
