"""What to do about a cell that has no result, by how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from bench.records.record import Status

# A cell with the same key would end in these again: seeds decide all that is drawn.
SAME_AGAIN: frozenset[Status] = frozenset({"collapsed", "diverged"})
ADVICE: Mapping[Status, str] = MappingProxyType(
    {
        "collapsed": "would end the same way again: change the recipe, the warm-up or the fusion",
        "diverged": "would end the same way again: change the recipe, such as its learning rate, or the fusion",
        "oom": "may end otherwise with fewer --jobs; a smaller batch_size is another recipe",
        "timeout": "may end otherwise with more time: --timeout, --warmup-timeout, or that of a job",
        "killed": "may end otherwise: another process or the system ended it",
        "error": "may end otherwise once the cause is mended",
    }
)


def advice(status: Status) -> str:
    """What may help a cell that ended so, after its status: ``timeout may end otherwise with ...``; empty where nothing
    is wrong."""
    return ADVICE.get(status, "")


def worth_a_retry(statuses: Iterable[Status]) -> list[Status]:
    """Those of ``statuses`` that ``--retry`` may change, sorted, without repeats."""
    return sorted({status for status in statuses if status in ADVICE and status not in SAME_AGAIN})
