"""A list of images with classes and groups, for tests of what groups are called and how they are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def grouped(tmp_path: Path) -> Path:
    """A CSV file of 72 small images of the classes ant and bee, each drawn by twelve authors; its rows are shuffled."""
    rng = np.random.default_rng(0)
    authors = "zoe max eve dan cy amy kim leo mia noa oto pia".split()
    rows = [(name, author, i) for name in ("ant", "bee") for author in authors for i in range(3)]
    lines = ["file,class,group"]
    for place in rng.permutation(len(rows)):
        name, author, i = rows[place]
        file = f"{name}-{author}-{i}.png"
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(tmp_path / file)
        lines.append(f"{file},{name},{author}")
    listed = tmp_path / "list.csv"
    listed.write_text("\n".join(lines) + "\n")
    return listed
