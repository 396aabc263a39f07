"""The card of a domain: its facts, the statistics of every factor, what every shift changes, and a contact sheet."""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.atomic import write_bytes_atomically
from bench.catalogue.contact_sheet import SAMPLE_PAIRS, Strip, balanced_rows, contact_sheet, rows_of
from bench.catalogue.factors import correlation, factors, moved, short, within_classes
from bench.domain import Domain, Pairs, Split, Strata, build_domain, unread_of
from bench.spec import shift_of, shifted
from bench.text import some

PAIRS, SHIFT_PAIRS = 2000, 512
SPLITS: tuple[Split, ...] = ("train", "val", "test")
FEW_CLASSES = 3
LISTED_CLASSES = 16


@dataclass(frozen=True)
class ShiftView:
    """What the card says of a shift and what the sheet shows of it."""

    strip: Strip
    line: str
    strata: str


def sheet_path(name: str) -> Path:
    """File in the current folder that the contact sheet of a domain goes to: ``color:difficulty=hard`` to
    ``color-difficulty-hard.png``."""
    return Path(re.sub(r"[^\w.+-]+", "-", name).strip("-.") + ".png")


def domain_card(name: str, out: Path | None = None) -> str:
    """The card; the contact sheet is written to ``out``, by default to :func:`sheet_path`.

    Raises:
        UsageError: there is no such domain, or, as ``StorageError``, ``out`` cannot be written.
    """
    domain = build_domain(name)
    pairs = domain.draw("test", 0, PAIRS)
    source = build_domain(shift_of(name)[0]).draw("test", 0, SHIFT_PAIRS)
    views = list(_shift_views(name, domain, source))
    out = out or sheet_path(name)
    _write_sheet(name, domain, source, views, out)
    lines = [*_facts(name, domain, pairs), "", *_factor_table(pairs)]
    if views:
        lines += ["", *_shift_table(views)]
    return "\n".join([*lines, "", f"contact sheet written to {out}"])


def _facts(name: str, domain: Domain, pairs: Pairs) -> list[str]:
    same = float(pairs.label.double().mean())
    facts = [
        f"{name} (version {domain.version})",
        "",
        inspect.cleandoc(type(domain).__doc__ or ""),
        "",
        f"classes     {some(domain.classes, LISTED_CLASSES)}",
        f"warm-up     {some(domain.warmup_classes, LISTED_CLASSES)}",
        f"image       {' x '.join(map(str, pairs.a.pixels.shape[1:]))} uint8",
        f"labels      {same:.3f} same, {1 - same:.3f} different, of {PAIRS:,} test pairs",
        f"cells       {_cells(domain.classes, pairs)}",
    ]
    if "at_contrast_floor" in pairs.a.latents:
        a, b = (float(side.latents["at_contrast_floor"].double().mean()) for side in (pairs.a, pairs.b))
        facts.append(f"at floor    {a:.3f} of A, {b:.3f} of B: no candidate of enough contrast was drawn")
    if pairs.strata is not None:
        facts.append(f"strata      {_strata(pairs.strata)}")
    facts += [f"not read    {line}" for line in unread_of(domain)]
    return facts


def _cells(names: Sequence[str], pairs: Pairs) -> str:
    """Share of every pair of the classes that occur; of many classes, the smallest and the largest share."""
    both = torch.stack([side.latents["class"] for side in (pairs.a, pairs.b)])
    present, (a, b) = torch.unique(both, return_inverse=True)
    k, shown = len(present), [names[index] for index in present.tolist()]
    share = torch.bincount(a * k + b, minlength=k * k).double() / len(pairs)
    if k <= FEW_CLASSES:
        return ", ".join(f"{shown[i // k]} {shown[i % k]} {float(value):.3f}" for i, value in enumerate(share))
    diagonal = torch.eye(k, dtype=torch.bool).flatten()
    kinds = {"same": share[diagonal], "different": share[~diagonal]}
    return "; ".join(
        f"{len(s):,} {kind}, {float(s.min()):.4f} to {float(s.max()):.4f} each" for kind, s in kinds.items()
    )


def _strata(strata: Strata) -> str:
    count = torch.bincount(strata.index, minlength=len(strata.names)).double() / len(strata.index)
    return "; ".join(f"{name} {float(share):.2f}" for name, share in zip(strata.names, count, strict=True))


def _factor_table(pairs: Pairs) -> Iterator[str]:
    """Mean, deviation and range of every factor in A and in B, and how far the two go together within classes."""
    columns = "".join(f"{text:>9}" for text in ("mean", "sd", "min", "max"))
    yield f"{'factors':<20}A{columns[1:]}   B{columns[1:]}   r(A, B) within classes"
    a, b = factors(pairs.a), factors(pairs.b)
    for name in a:
        sides = ("".join(f"{short(number):>9}" for number in _moments(side[name])) for side in (a, b))
        rest_a, rest_b = (
            within_classes(values[name], side.latents["class"]) for values, side in ((a, pairs.a), (b, pairs.b))
        )
        yield f"  {name:<18}{'   '.join(sides)}{correlation(rest_a, rest_b):>10.3f}"


def _moments(values: torch.Tensor) -> tuple[float, ...]:
    return tuple(float(number) for number in (values.mean(), values.std(), values.min(), values.max()))


def _shift_views(name: str, domain: Domain, before: Pairs) -> Iterator[ShiftView]:
    """Every shift of the domain, or the one that it is under, and what it changes of the source's test pairs."""
    source, shift = shift_of(name)
    known = (factors(before.a), factors(before.b))
    rows = balanced_rows(before.label)
    for shift_name in [shift] if shift else domain.shifts:
        after = build_domain(shifted(source, shift_name)).draw("test", 0, SHIFT_PAIRS)
        change = [
            100 * float((new.pixels.float() - old.pixels.float()).abs().mean()) / 255
            for old, new in ((before.a, after.a), (before.b, after.b))
        ]
        changed = "; ".join(moved(known, (factors(after.a), factors(after.b))))
        strip = Strip(shift_name, domain.shifts.get(shift_name, ""), rows_of(after, rows))
        line = f"  {shift_name:<18}{change[0]:>6.1f}{change[1]:>6.1f}  {changed}".rstrip()
        yield ShiftView(strip, line, _strata(after.strata) if after.strata else "")


def _shift_table(views: Iterable[ShiftView]) -> Iterator[str]:
    what = f"mean change of a pixel; factors that moved, source → shift ({SHIFT_PAIRS} pairs)"
    yield f"{'shifts':<20}{'A %':>6}{'B %':>6}  {what}"
    strata: dict[str, list[str]] = {}
    for view in views:
        yield view.line
        if view.strata:
            strata.setdefault(view.strata, []).append(view.strip.name)
    if strata:
        yield ""
        yield "strata of shifts"
    for shares, names in strata.items():
        yield f"  {', '.join(names)}: {shares}"


def _write_sheet(name: str, domain: Domain, source: Pairs, views: Sequence[ShiftView], out: Path) -> None:
    samples = {split: domain.draw(split, 0, SAMPLE_PAIRS) for split in SPLITS}
    title = f"{name} (version {domain.version})"
    before = rows_of(source, balanced_rows(source.label))
    sheet = contact_sheet(title, domain.classes, samples, before, [view.strip for view in views])
    content = io.BytesIO()
    sheet.save(content, "PNG")
    write_bytes_atomically(out, content.getvalue())
