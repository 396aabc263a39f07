"""Whether two runs of ``bench speed`` agree, row by row."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Literal

from bench.errors import UsageError
from bench.markup import align, json_text
from bench.records.machine import machine_from, why_incomparable
from bench.records.record import DONE
from bench.speed.records import Record
from bench.speed.summary import round_medians

AGREEMENT, SHARE = 0.05, 0.90
LEVEL = 0.05
Word = Literal["same", "slower", "faster", "undecided"]


@dataclass(frozen=True)
class Difference:
    """One row of both runs.

    Attributes:
        ratio: of the median times, new over base. word: ``same`` within ``AGREEMENT``; beyond it ``slower`` or
            ``faster`` where a rank test over the rounds says so, else ``undecided``.
        noisy: whether either run flagged the row.
    """

    row: str
    base_s: float
    new_s: float
    ratio: float
    word: Word
    noisy: bool


@dataclass(frozen=True)
class Agreement:
    """All rows that both runs measured.

    Attributes:
        failed: the rows that one run measured and that failed in the other.
        only_one: how many others only one run measured.
    """

    differences: tuple[Difference, ...]
    failed: tuple[str, ...]
    only_one: int

    @property
    def share(self) -> float:
        """Share of rows whose medians agree within ``AGREEMENT``."""
        return sum(one.word == "same" for one in self.differences) / len(self.differences)

    @property
    def holds(self) -> bool:
        """Whether enough rows agree, every other one is flagged noisy, and none failed in one run only."""
        excused = all(one.noisy for one in self.differences if one.word != "same")
        return self.share >= SHARE and excused and not self.failed

    @property
    def summary(self) -> str:
        """One sentence: how many rows agree, what the others are, and which failed in one run only."""
        others = [one for one in self.differences if one.word != "same"]
        same = len(self.differences) - len(others)
        text = f"{same} of {len(self.differences)} rows within {AGREEMENT:.0%} ({self.share:.0%})".replace("%", " %")
        if others:
            text += f"; of the other {len(others)}, {sum(one.noisy for one in others)} flagged noisy"
        if self.failed:
            text += f"; failed in one run only: {' and '.join(self.failed)}"
        return text + (f"; {self.only_one} measured in one run only" if self.only_one else "")


def compare(base: Sequence[Record], new: Sequence[Record]) -> Agreement:
    """Compare the rows of two runs.

    Raises:
        UsageError: they ran on different machines, or share no row.
    """
    reason = why_incomparable(*({machine_from(record["machine"]) for record in side} for side in (base, new)))
    if reason:
        raise UsageError(f"--compare: {reason}")
    before, after = ({_row(one): one for one in side if one["status"] == "ok"} for side in (base, new))
    shared = [row for row in before if row in after]
    if not shared:
        raise UsageError("--compare: the two runs share no row that was measured")
    differences = tuple(_difference(row, before[row], after[row]) for row in shared)
    broken = {_row(one) for one in (*base, *new) if one["status"] not in DONE}
    only_one = before.keys() ^ after.keys()
    return Agreement(differences, tuple(sorted(only_one & broken)), len(only_one - broken))


def to_markdown(agreement: Agreement) -> str:
    """The rows, those that differ most first."""
    order = sorted(agreement.differences, key=lambda one: -max(one.ratio, 1 / one.ratio))
    lines = [
        [one.row, f"{1000 * one.base_s:.4g}", f"{1000 * one.new_s:.4g}", f"{one.ratio:.3f}", one.word,
         "noisy" if one.noisy else ""]
        for one in order
    ]  # fmt: skip
    header = ["row", "base ms", "new ms", "ratio", "", "flags"]
    return f"{align(header, lines, left=1)}\n\n{agreement.summary}.\n"


def to_csv(agreement: Agreement) -> str:
    """One line per row."""
    out = io.StringIO()
    writer = csv.DictWriter(out, Difference.__dataclass_fields__, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, agreement.differences))
    return out.getvalue()


def to_json(agreement: Agreement) -> str:
    """Rows, share and verdict."""
    rows = [asdict(one) for one in agreement.differences]
    verdict = {"share": agreement.share, "holds": agreement.holds}
    content = {**verdict, "failed": agreement.failed, "only_one": agreement.only_one, "rows": rows}
    return json_text(content)


FORMATS: MappingProxyType[str, Callable[[Agreement], str]] = MappingProxyType(
    {"md": to_markdown, "csv": to_csv, "json": to_json}
)


def _row(record: Record) -> str:
    """What identifies a row; the batch that a search found may differ from run to run."""
    batch = record["batch"] if record["batch_choice"] == "given" else "best"
    settings = f"{record['device']}, {record['dtype']}, {record['memory_format']}, threads {record['threads']}"
    return f"{record['fusion']} × {record['backbone']}, {record['mode']}, batch {batch}, {settings}"


def _difference(row: str, base: Record, new: Record) -> Difference:
    # Per pair: the best batch of both runs may be another one.
    before, after = (one["median_s"] / one["pairs"] for one in (base, new))
    ratio = after / before
    noisy = any("noisy" in one["flags"] for one in (base, new))
    return Difference(row, before, after, round(ratio, 4), _word(ratio, base, new), noisy)


def _word(ratio: float, base: Record, new: Record) -> Word:
    if 1 / (1 + AGREEMENT) <= ratio <= 1 + AGREEMENT:
        return "same"
    # Takes longer to import than everything else here.
    from scipy.stats import mannwhitneyu

    before, after = ([seconds / one["pairs"] for seconds in round_medians(one)] for one in (base, new))
    p = float(mannwhitneyu(after, before, alternative="two-sided").pvalue)
    if p > LEVEL:
        return "undecided"
    return "slower" if statistics.median(after) > statistics.median(before) else "faster"
