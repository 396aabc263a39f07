"""What is imported before a measuring process starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("fusion", ["hungarian_score", "two_channel"])
def test_no_library_is_imported_while_memory_is_measured(fusion: str) -> None:
    """Its tens of MB would count as the fusion's."""
    code = f"""
import sys
from bench.speed import preload
from bench.speed.rows import Row
from bench.speed.worker import weigh
before = set(sys.modules)
row = Row({fusion!r}, "mobilenetv3_small_32", "train", 2, "cpu", "float32", "channels_last", 1)
weigh(row)
print(sorted({{name.partition(".")[0] for name in set(sys.modules) - before}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    imported = done.stdout.strip()
    assert imported.startswith("["), done.stderr
    assert not [name for name in ("timm", "torchvision", "scipy", "sklearn", "pandas") if f"'{name}'" in imported]
