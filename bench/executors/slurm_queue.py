"""What the commands of SLURM are asked: would it take a job, what became of those in the queue; and to end them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

from bench.errors import in_a_line

PATIENCE_SECONDS = 60


def refusal(*options: str) -> str:
    """Why ``sbatch`` would not take a job with these options; empty where it would. Nothing is handed in."""
    words = ("sbatch", "--test-only", *options, "--wrap", "true")
    try:
        asked = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        return in_a_line(error)
    return asked.stderr.strip() or f"ended with {asked.returncode}" if asked.returncode else ""


def states() -> dict[str, str] | None:
    """The states of the jobs of this user, of those that ended some minutes ago as well; None where SLURM is silent."""
    told = _told("squeue", "--me", "--array", "--states=all", "--noheader", "--format=%i|%T")
    if told is None:
        return None
    return dict(line.strip().split("|", 1) for line in told.splitlines() if "|" in line)


def cancel(jobs: Iterable[str]) -> None:
    """End jobs, whether they wait or run."""
    if named := sorted(set(jobs)):
        _told("scancel", *named)


def _told(*words: str) -> str | None:
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
