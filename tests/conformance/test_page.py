"""docs/conformance.md shows the checks and the planted bugs as they are."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bench.conformance.suite import CHECKS

pytestmark = pytest.mark.conformance

ROOT = Path(__file__).parents[2]


def test_the_page_is_current() -> None:
    command = [sys.executable, str(ROOT / ".ci" / "write_conformance_page.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_check_catches_a_planted_bug() -> None:
    bugs = yaml.safe_load(Path(__file__).with_name("planted_bugs.yaml").read_text())
    assert {bug["caught_by"] for bug in bugs} == {*CHECKS, "builds", "parameters"}
    assert len({bug["bug"] for bug in bugs}) == len(bugs)
