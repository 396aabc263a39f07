"""The leaderboard: one line per fusion x backbone x domain x evaluated domain, with a stable set of columns.

Columns of ``leaderboard.csv`` (schema 1; columns are only ever added at the end, anything else raises the number):

- ``schema``: version of this set of columns.
- ``fusion, family, symmetric, backbone, domain, eval_domain``: what was trained on ``domain`` and tested on
  ``eval_domain``. ``family`` is ``control`` for what must stay at chance, and ``reference`` for what knows more than a
  fusion may; neither takes part in a ranking.
- ``protocol, warmup, warmup_seed, warmup_quality, warmup_seconds, recipe_id, train_pairs, test_pairs``: under which
  conditions. Lines that differ in ``protocol``, ``warmup``, ``warmup_seed`` or ``recipe_id`` must not be compared as if
  only the fusion differed. ``warmup_quality`` is in the measure of the warm-up task, ``warmup_seconds`` its cost.
- ``seeds, n_seeds, n_failed, failures, n_at_chance, not_applicable``: seeds that finished (separated by spaces) and how
  many; how many did not, with their statuses; how many finished at chance (accuracy on ``domain`` within two standard
  errors of 0.5); why the combination is not applicable, else empty.
- ``parameters, trainable, fusion_parameters, macs, fusion_macs, uncounted``: counts per model and per pair; operators
  that the MACs leave out (separated by spaces).
- ``train_pairs_per_s, infer_pairs_per_s``: median over seeds, measured while the sweep ran.
- for each of ``FIRST_METRICS`` ``<metric>_mean, <metric>_hw, <metric>_sd``: mean over seeds, half width of its 95 % t
  interval, and standard deviation; the last two are empty for fewer than two seeds.
- ``efficiency_mean, efficiency_hw, efficiency_sd, efficiency_seeds``: (accuracy - 0.5) / (accuracy of name-then-XNOR
  - 0.5) on ``eval_domain`` under the same conditions, a share, over the ``efficiency_seeds`` seeds that both finished.
  Only for fusions, and only where the reference is above chance in each of these seeds.
- ``warmup_measure``: what ``warmup_quality`` is; empty in records that do not say, where it is accuracy.
- ``accuracy_by_seed``: on ``eval_domain``, one for each of ``seeds`` in their order, ``-`` where that seed has none.
- ``machines``: that these seeds ran on, separated by `` | ``; where there is more than one, or one that is not known,
  there are no rates.
- ``repeats``: what ``seeds`` counts. ``seed``: seeds share the warm-up and the test pairs; ``replicate``: each has its
  own. Lines that differ in it must not be compared; files without the column are of seeds.
- ``tie_group, tie_group_by``: whether a fusion is not worse than the best of its table and backbone on ``eval_domain``
  by that metric (:func:`bench.stats.ties.tie_group`); only for fusions with a score. ``tie_group_by`` is accuracy in
  the file beside the records, the first ``--metric`` elsewhere.
- ``labelled_pairs``: whose label training saw, each time that it did; empty in records that do not say.
- the same three columns for each metric that was added since, plug-ins among them, in the order of registration.
"""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from bench.atomic import write_text_atomically
from bench.errors import UsageError
from bench.markup import csv_text, text_of_csv
from bench.metrics import metric_names, metric_position
from bench.records.columns import COUNT_FIELDS, RATE_FIELDS
from bench.records.entries import Entry, counted
from bench.records.machine import names_of
from bench.records.record import NO_SEED, Group
from bench.records.references import Efficiency
from bench.records.schema import check_schema
from bench.records.sections import sections_of
from bench.records.ties import tie_groups
from bench.stats.intervals import Estimates

SCHEMA = 1
FILE_NAME = "leaderboard.csv"
STATISTICS = ("mean", "hw", "sd")
# Those that stand before what was added later: a fact about the file.
FIRST_METRICS = (
    "accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc", "average_precision", "fpr95", "brier",
    "log_loss", "ece", "d_prime", "criterion", "p_same", "threshold", "accuracy_val", "f1_val", "swap_gap",
    "swap_flips",
)  # fmt: skip
COLUMNS = (
    "schema", "fusion", "family", "symmetric", "backbone", "domain", "eval_domain",
    "protocol", "warmup", "warmup_seed", "warmup_quality", "warmup_seconds", "recipe_id", "train_pairs", "test_pairs",
    "seeds", "n_seeds", "n_failed", "failures", "n_at_chance", "not_applicable",
    *COUNT_FIELDS, "uncounted", *RATE_FIELDS,
    *(f"{metric}_{statistic}" for metric in FIRST_METRICS for statistic in STATISTICS),
    *(f"efficiency_{statistic}" for statistic in STATISTICS), "efficiency_seeds",
    "warmup_measure", "accuracy_by_seed", "machines", "repeats", "tie_group", "tie_group_by", "labelled_pairs",
)  # fmt: skip
# Columns that files of this schema may lack: they were added at the end later.
ADDED = (
    "warmup_measure", "accuracy_by_seed", "machines", "repeats", "tie_group", "tie_group_by", "labelled_pairs",
)  # fmt: skip
# All other columns hold numbers, but for ``symmetric`` and ``tie_group``.
TEXTS = frozenset(
    {
        "fusion", "family", "backbone", "domain", "eval_domain", "protocol", "warmup", "recipe_id", "seeds", "failures",
        "not_applicable", "uncounted", "warmup_measure", "accuracy_by_seed", "machines", "repeats", "tie_group_by",
    }
)  # fmt: skip
# Of these the words are the program's own: numbers, and a dash for none.
NUMBERS_IN_A_ROW = frozenset({"seeds", "accuracy_by_seed"})
KEY = ("protocol", "warmup", "warmup_seed", "repeats", "domain", "recipe_id", "backbone", "fusion", "eval_domain")

Row = dict[str, Any]


def columns(more: Iterable[str] = ()) -> tuple[str, ...]:
    """``COLUMNS``, then ``more``, then those of every metric that is registered now and not one of the first."""
    later = [metric for metric in metric_names() if metric not in FIRST_METRICS]
    return (*COLUMNS, *more, *(f"{metric}_{statistic}" for metric in later for statistic in STATISTICS))


def rows(entries: Iterable[Entry], ranked_by: str = "accuracy") -> list[Row]:
    """One row per entry and evaluated domain, the domain trained on first, with all ``columns()``; None is no value.

    Args:
        ranked_by: metric of the tie groups.
    """
    known, empty = tuple(entries), dict.fromkeys(columns())
    efficiency, ties = Efficiency(known), _ties(known, ranked_by)
    return [
        empty | row | ties.get((entry.group, row["eval_domain"]), {})
        for entry in known
        for row in _entry_rows(entry, efficiency)
    ]


def to_csv(table: Sequence[Mapping[str, Any]], more: Iterable[str] = ()) -> str:
    """Rows as CSV with a header, with ``more`` columns; missing values are empty, floats keep all their digits.

    A text that a spreadsheet would take for a formula has an apostrophe before it, which :func:`read_rows` takes away.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = columns(more)
    foreign = {name for name in names if name not in NUMBERS_IN_A_ROW}
    writer.writerow(names)
    # No spreadsheet takes a cell for a formula.
    for row in table:
        words = {name: csv_text(value) for name, value in row.items() if isinstance(value, str) and name in foreign}
        writer.writerow(map({**row, **words}.get, names))
    return text.getvalue()


def read_rows(path: Path) -> list[Row]:
    """The rows that a ``leaderboard.csv`` was written from.

    Raises:
        UsageError: it cannot be read, is not a leaderboard or one of another schema, or holds no line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, restval="")
            header, lines = reader.fieldnames or (), list(reader)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: not a leaderboard.csv ({error})") from None
    if "schema" not in header:
        raise UsageError(f"{path}: not a leaderboard.csv as bench report writes it: no column 'schema'")
    for number, line in enumerate(lines, start=2):
        text = line["schema"]
        check_schema(int(text) if text.isdecimal() else text or None, SCHEMA, f"{path}, line {number}")
    missing = [name for name in COLUMNS if name not in header and name not in ADDED]
    if missing:
        raise UsageError(f"{path}: no column {missing[0]!r}; see docs/leaderboard.md")
    if not lines:
        raise UsageError(f"{path}: no lines here")
    return [_read(line, f"{path}, line {number}") for number, line in enumerate(lines, start=2)]


def group_of(row: Row) -> Group:
    """What the lines of one entry have in common, as its records have it."""
    common: Row = {name: row[name] or "" for name in Group._fields}
    return Group(**common | {"warmup_seed": NO_SEED if row["warmup_seed"] is None else row["warmup_seed"]})


def key_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells a row from all others."""
    return tuple(row[name] for name in KEY)


def write_beside(folder: Path, text: str) -> None:
    """Replace the ``leaderboard.csv`` of a run folder in one step.

    Raises:
        StorageError: the folder cannot be written to.
    """
    write_text_atomically(folder / FILE_NAME, text)


def _read(line: Mapping[str, str], where: str) -> Row:
    row: Row = {}
    for name in columns():
        text = line.get(name, "")
        try:
            row[name] = None if not text else text_of_csv(text) if name in TEXTS else _number(text)
        except ValueError:
            raise UsageError(f"{where}: {name}: a number was expected, got {text!r}") from None
    return row | {"repeats": row["repeats"] or "seed"}


def _number(text: str) -> bool | int | float:
    if text in ("True", "False"):
        return text == "True"
    return int(text) if text.isdecimal() else float(text)


def _ties(entries: Iterable[Entry], metric: str) -> dict[tuple[Group, str], Row]:
    """For each fusion and domain with a score whether it belongs to the tie group of its table and backbone."""
    found: dict[tuple[Group, str], Row] = {}
    parts: dict[tuple[int, str], list[Entry]] = defaultdict(list)
    for number, section in enumerate(sections_of(entries)):
        for entry in section.entries:
            if entry.role == "fusion":
                parts[number, entry.group.backbone].append(entry)
    for own in parts.values():
        for domain in {domain for entry in own for domain in entry.quality}:
            for entry, (belongs,) in zip(own, tie_groups(own, domain, [metric]).tolist(), strict=True):
                if not math.isnan(entry.mean(domain, metric)):
                    found[entry.group, domain] = {"tie_group": belongs, "tie_group_by": metric}
    return found


def _entry_rows(entry: Entry, efficiency: Efficiency) -> list[Row]:
    trained_on = entry.group.domain
    others = [domain for domain in entry.quality if domain != trained_on]
    common = _conditions(entry) | _outcome(entry) | _costs(entry)
    return [
        common | _quality(entry, domain) | _efficiency(efficiency(entry, domain)) for domain in (trained_on, *others)
    ]


def _conditions(entry: Entry) -> Row:
    group, cells = entry.group, entry.cells
    return {
        "schema": SCHEMA,
        "fusion": group.fusion,
        "family": entry.family or None,
        "symmetric": next((cell.symmetric for cell in cells if cell.symmetric is not None), None),
        "backbone": group.backbone,
        "domain": group.domain,
        "protocol": group.protocol,
        "warmup": group.warmup,
        "warmup_seed": None if group.warmup_seed == NO_SEED else group.warmup_seed,
        "warmup_quality": _middle(cell.warmup.get("quality") for cell in cells),
        "warmup_measure": next((cell.warmup["measure"] for cell in cells if "measure" in cell.warmup), None),
        "warmup_seconds": _middle(cell.warmup.get("seconds") for cell in cells),
        "repeats": group.repeats,
        "recipe_id": group.recipe_id,
        "train_pairs": entry.train_pairs,
        "labelled_pairs": _middle(cell.labelled_pairs for cell in cells),
    }


def _outcome(entry: Entry) -> Row:
    return {
        "seeds": " ".join(str(cell.seed) for cell in entry.finished) or None,
        "n_failed": len(entry.failed),
        "failures": counted([cell.status for cell in entry.failed]) or None,
        "n_at_chance": entry.seeds_at_chance(),
        "not_applicable": entry.reason or None,
    }


def _costs(entry: Entry) -> Row:
    costs: Row = {field: entry.cost(field) for field in (*COUNT_FIELDS, *RATE_FIELDS)}
    machines = " | ".join(names_of(entry.machines))
    return costs | {"uncounted": " ".join(entry.uncounted) or None, "machines": machines or None}


def _quality(entry: Entry, domain: str) -> Row:
    tested = entry.tested(domain)
    row: Row = {
        "eval_domain": domain,
        "n_seeds": len(tested),
        "test_pairs": _middle(one.pairs for one in tested),
    }
    accuracy = metric_position("accuracy")
    by_seed = [cell.eval[domain].values[accuracy] if domain in cell.eval else None for cell in entry.finished]
    row["accuracy_by_seed"] = " ".join("-" if value is None else repr(value) for value in by_seed) or None
    quality = entry.quality.get(domain)
    if quality is not None:
        values = chain(quality.mean.tolist(), quality.half_width.tolist(), quality.sd.tolist())
        row |= zip(_statistics_of(metric_names()), map(_present, values), strict=True)
    return row


@cache
def _statistics_of(metrics: tuple[str, ...]) -> tuple[str, ...]:
    """Names of their columns, statistic by statistic."""
    return tuple(f"{metric}_{statistic}" for statistic in STATISTICS for metric in metrics)


def _efficiency(found: Estimates) -> Row:
    values = (found.mean.item(), found.half_width.item(), found.sd.item())
    row: Row = {f"efficiency_{name}": _present(value) for name, value in zip(STATISTICS, values, strict=True)}
    return row | {"efficiency_seeds": found.n.item() or None}


def _present(value: float) -> float | None:
    return None if math.isnan(value) else value


def _middle(values: Iterable[Any]) -> Any:
    """The value that all seeds share; where they differ, the lower middle one. None where there is none."""
    present = [value for value in values if value is not None]
    return statistics.median_low(present) if present else None
