"""Records of speed as Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from textwrap import fill
from types import MappingProxyType

from bench.markup import align, csv_text, json_text, markdown, markdown_line
from bench.speed.records import Record
from bench.speed.rows import BEST, MODES
from bench.text import MISSING, human

# What a row is called, apart from its device; what is the same for all rows stands above the table.
COORDINATES = ("fusion", "backbone", "mode", "batch", "dtype", "memory_format", "threads")
IN_EVERY_ROW = ("fusion", "mode", "batch")
COLUMNS = ("pairs/s", "IQR %", "n", "p50 ms", "p95 ms", "peak MiB", "flags")
CSV_COLUMNS = (
    "run", *COORDINATES[:4], "batch_choice", "device", *COORDINATES[4:], "status", "pairs_per_s", "median_s", "iqr_s",
    "n", "p50_s", "p95_s", "peak_bytes", "process_bytes", "pairs", "flags", "message",
)  # fmt: skip
LINE = 120
READING = (
    "Median over blocks of at least 10 ms; IQR: interquartile range over median; n: blocks; p50, p95: single calls; "
    "peak: memory above the start of the process, or of the CUDA allocator."
)


def to_markdown(records: Sequence[Record]) -> str:
    """One line per combination, the devices side by side; reasons of what was not measured come last."""
    devices = list(dict.fromkeys(record["device"] for record in records))
    known = {(_place(record), record["device"]): record for record in records}
    places = list(dict.fromkeys(place for place, _ in known))
    shown = [i for i, name in enumerate(COORDINATES) if name in IN_EVERY_ROW or len({place[i] for place in places}) > 1]
    absent = {device: _shared_reason([one for one in records if one["device"] == device]) for device in devices}
    header = [COORDINATES[i] for i in shown]
    for device in devices:
        header += [f"{device} {name}" for name in (COLUMNS[:1] if absent[device] else COLUMNS)]
    lines = []
    for place in places:
        line = [place[i] for i in shown]
        for device in devices:
            record = known.get((place, device))
            line += [absent[device]] if absent[device] else _cells(record)
        lines.append(line)
    fixed = [f"{name} {places[0][i]}" for i, name in enumerate(COORDINATES) if i not in shown]
    modes = dict.fromkeys(record["mode"] for record in records)
    settings = [f"Of all rows: {', '.join(fixed)}."] if fixed else []
    notes = [" ".join([*settings, f"{'; '.join(f'{mode}: {MODES[mode]}' for mode in modes)}."]), READING]
    reasons = [] if all(absent.values()) else _reasons([one for one in records if not absent[one["device"]]])
    return "\n\n".join([*(fill(markdown(note), LINE) for note in notes), align(header, lines, left=2), *reasons]) + "\n"


def to_csv(records: Sequence[Record]) -> str:
    """One line per record, without its blocks."""
    out = io.StringIO()
    writer = csv.DictWriter(out, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for record in records:
        line = {**record, "flags": " ".join(record.get("flags", ())), "message": _message(record)}
        writer.writerow({name: csv_text(value) if isinstance(value, str) else value for name, value in line.items()})
    return out.getvalue()


def to_json(records: Sequence[Record]) -> str:
    """The records as they are stored."""
    return json_text(list(records))


FORMATS: MappingProxyType[str, Callable[[Sequence[Record]], str]] = MappingProxyType(
    {"md": to_markdown, "csv": to_csv, "json": to_json}
)


def _place(record: Record) -> tuple[str, ...]:
    batch = BEST if record["batch_choice"] == BEST else str(record["batch"])
    return tuple(batch if name == "batch" else str(record[name]) for name in COORDINATES)


def _cells(record: Record | None) -> list[str]:
    if record is None or record["status"] != "ok":
        status = MISSING if record is None else "n/a" if record["status"] == "not_applicable" else record["status"]
        return [status, *[MISSING] * (len(COLUMNS) - 1)]
    spread = 100 * record["iqr_s"] / record["median_s"]
    latency = [f"{1000 * record[name]:.3g}" for name in ("p50_s", "p95_s")]
    peak = f"{record['peak_bytes'] / 2**20:.1f}"
    # Here rather than in its place: the best batch may be another one on every device.
    found = [f"batch {record['batch']}"] if record["batch_choice"] == BEST else []
    flags = " ".join([*found, *record["flags"]])
    return [human(record["pairs_per_s"]), f"{spread:.1f}", str(record["n"]), *latency, peak, flags]


def _shared_reason(records: Sequence[Record]) -> str:
    """Why nothing at all was measured, where that is one and the same reason; else empty."""
    reasons = {_message(record) if record["status"] == "not_applicable" else "" for record in records}
    return reasons.pop() if len(reasons) == 1 else ""


def _reasons(records: Sequence[Record]) -> list[str]:
    """What was not measured, by reason."""
    by_reason: dict[str, dict[str, None]] = {}
    for record in records:
        if record["status"] != "ok":
            row = f"{record['fusion']} {record['mode']} batch {record['batch'] or 'best'}"
            by_reason.setdefault(f"{record['status'].replace('_', ' ')}: {_message(record)}", {})[row] = None
    lines = [f"{reason}: {', '.join(rows)}" for reason, rows in by_reason.items()]
    return ["\n".join(f"- {markdown_line(line)}" for line in lines)] if lines else []


def _message(record: Mapping[str, object]) -> str:
    """The first line of the error of a record; empty where it has none."""
    error = record.get("error")
    lines = str(error["message"]).strip().splitlines() if isinstance(error, Mapping) else []
    return lines[0] if lines else ""
