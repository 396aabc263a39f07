"""What a table can show: the names of metrics and costs that options choose, and the costs."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from bench.errors import UsageError
from bench.metrics import metric_names
from bench.text import names_in


@dataclass(frozen=True)
class Cost:
    """A cost column: the field of a record's ``cost``, its header, and whether it is a measured rate."""

    field: str
    header: str
    is_rate: bool = False


COSTS = MappingProxyType(
    {
        "params": Cost("parameters", "params"),
        "macs": Cost("macs", "MACs"),
        "train": Cost("train_pairs_per_s", "train pairs/s", is_rate=True),
        "infer": Cost("infer_pairs_per_s", "infer pairs/s", is_rate=True),
    }
)
COUNT_FIELDS = ("parameters", "trainable", "fusion_parameters", "macs", "fusion_macs")
RATE_FIELDS = ("train_pairs_per_s", "infer_pairs_per_s")


def choose(text: str, allowed: Collection[str], option: str) -> tuple[str, ...]:
    """Read a comma-separated choice of ``allowed`` names or globs of them, without repetitions.

    Raises:
        UsageError: a name is not allowed, no name is like a glob, or there is none.
    """
    names = tuple(dict.fromkeys(name for one in names_in(text) for name in _matching(one, allowed)))
    for name in names:
        if name not in allowed:
            longer = [known for known in allowed if known.startswith(name)]
            near = longer or get_close_matches(name, allowed, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UsageError(f"{option}: unknown {name!r}; {hint}allowed: {', '.join(allowed)}")
    if not names:
        raise UsageError(f"{option}: no name given; allowed: {', '.join(allowed)}")
    return names


def _matching(name: str, allowed: Collection[str]) -> Collection[str]:
    """The names that a glob stands for; any other name, and a glob of none, as it is."""
    is_glob = name not in allowed and any(sign in name for sign in "*?")
    return (is_glob and fnmatch.filter(allowed, name)) or [name]


def choose_one(text: str, allowed: Collection[str], option: str) -> str:
    """Read a single one of ``allowed`` names; anything else raises ``UsageError``."""
    names = choose(text, allowed, option)
    if len(names) > 1:
        raise UsageError(f"{option}: expected one name, got {text!r}; allowed: {', '.join(allowed)}")
    return names[0]


def choose_metrics(text: str) -> tuple[str, ...]:
    """Names of metrics from ``--metric``; an unknown one raises ``UsageError``."""
    return choose(text, metric_names(), "--metric")


def choose_costs(text: str) -> tuple[str, ...]:
    """Names of cost columns from ``--cost``, none of them for ``none``; an unknown one raises ``UsageError``."""
    names = choose(text, (*COSTS, "none"), "--cost")
    if "none" not in names_in(text):
        # A glob is one of columns.
        return tuple(name for name in names if name != "none")
    if len(names) > 1:
        raise UsageError(f"--cost: 'none' stands alone, got {text!r}")
    return ()
