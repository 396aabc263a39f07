"""The cards that ``bench show`` prints."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Any

from bench.atomic import write_text_atomically
from bench.backbones import create_backbone
from bench.catalogue.diagram import picture
from bench.catalogue.domain_card import domain_card
from bench.catalogue.kinds import KINDS, example, fusion_parameters, options, what
from bench.catalogue.warmup_card import REFERENCE_BACKBONE, WarmedUp, warmup_card
from bench.catalogue.warmup_pictures import PICTURES
from bench.cost.macs import count_macs
from bench.domain import DOMAINS
from bench.errors import LONGEST_VALUE, NotApplicableError, UsageError
from bench.fusion import FUSIONS
from bench.model import IMAGE, build_fusion, build_model
from bench.records.folder import RunFolder, runs_below
from bench.source import source_file
from bench.spec import Spec, parse_spec
from bench.text import MISSING, printable

SHORTEST_KEY = 6


def card(name: str, results: Path, out: Path | None, warmed_up: WarmedUp) -> str:
    """The card of whatever ``name`` is; for a domain also its contact sheet, and for some warm-ups pictures, written to
    ``out`` or the current folder; for a fusion its picture, where ``out`` is given. What several kinds have has a card
    of each.

    Raises:
        UsageError: nothing has that name, or ``out`` is given for something that has no picture.
    """
    special: Mapping[str, Callable[[str], str]] = {
        "domains": lambda text: domain_card(text, out),
        "warmups": lambda text: warmup_card(text, warmed_up, out),
        "fusions": lambda text: fusion_card(text, out),
        "backbones": backbone_card,
    }
    spec = parse_spec(name)
    found = [kind for kind, facts in KINDS.items() if spec.name in facts.registry]
    if out is not None and not {"domains", "warmups", "fusions"} & {*found}:
        known = f"domains {', '.join(DOMAINS)}; warm-ups {', '.join(PICTURES)}"
        raise UsageError(
            f"--out: only domains, fusions and some warm-ups have pictures, and {name!r} is none of them; {known}"
        )
    if found:
        return "\n\n\n".join(special[kind](name) if kind in special else plain_card(kind, name) for kind in found)
    record = _find_record(name, results)
    if record is None:
        names = dict.fromkeys(chain.from_iterable(facts.registry for facts in KINDS.values()))
        near = get_close_matches(spec.name, names, n=3)
        known = f"did you mean {' or '.join(near)}?" if near else "bench list names what there is"
        raise UsageError(f"nothing is called {name!r}, and no record in {results} has that key; {known}")
    return json.dumps(record, indent=2)


def plain_card(kind: str, text: str) -> str:
    """Docstring, facts and parameters of a class of any kind."""
    registry = KINDS[kind].registry
    cls = registry.get(parse_spec(text).name)
    facts = {header: fact(cls) for header, fact in KINDS[kind].facts.items() if fact is not what}
    facts |= {"defined in": str(source_file(cls))}
    lines = [f"{registry.kind} {cls.name}", "", inspect.cleandoc(cls.__doc__ or ""), ""]
    return "\n".join([*lines, *(f"{header:<12}{fact}" for header, fact in facts.items() if fact), *_options(cls, kind)])


def fusion_card(text: str, out: Path | None = None) -> str:
    """Formula, facts and parameters of a fusion, given by name or with parameters; its picture is written to ``out``.

    Raises:
        UsageError: it cannot be built, ``out`` is no SVG, or, as ``StorageError``, cannot be written.
    """
    fusion = FUSIONS.settle(text)
    cls, name = fusion.cls, str(fusion)
    try:
        built = build_fusion(fusion, example())
    except NotApplicableError as error:
        raise UsageError(f"fusion {name}: {error}") from None
    lines = [
        name,
        "",
        inspect.cleandoc(cls.__doc__ or ""),
        "",
        f"family      {built.family}",
        f"joins       {built.needs}",
        f"symmetric   {'by construction' if built.symmetric else 'no; symmetrize=true averages both orders'}",
        f"head        {built.head}",
        f"paper       {built.paper or MISSING}",
        f"size        {fusion_parameters(name)} parameters with its head, for 64 dimensions",
        f"cost        {_fusion_macs(name)} on {REFERENCE_BACKBONE}",
        f"defined in  {source_file(cls)}",
    ]
    return "\n".join(lines + _options(cls, "fusions") + ([] if out is None else _drawn(fusion, out)))


def _drawn(fusion: Spec, out: Path) -> list[str]:
    if out.suffix != ".svg":
        raise UsageError(f"--out {printable(str(out), LONGEST_VALUE)}: the picture of a fusion is an SVG")
    svg, caption = picture(fusion)
    write_text_atomically(out, svg)
    return ["", caption, f"picture written to {out}"]


def _options(cls: type, kind: str) -> list[str]:
    """Parameters with their defaults, one a line."""
    settable = options(cls, KINDS[kind].registry.given)
    return ["options", *(f"  {name} = {default!r}" for name, default in settable.items())] if settable else []


def backbone_card(name: str) -> str:
    """Shapes and size of a backbone."""
    backbone = create_backbone(name, IMAGE)
    shapes = [f"  {i}: {s.channels} x {s.height} x {s.width}" for i, s in enumerate(backbone.spec.stages)]
    return "\n".join(
        [
            name,
            "",
            inspect.cleandoc(type(backbone).__doc__ or ""),
            "",
            f"parameters  {sum(p.numel() for p in backbone.parameters()):,}",
            f"embedding   {backbone.spec.dim}",
            f"map         stage {backbone.map_stage}",
            f"tokens      {backbone.spec.tokens} of {backbone.spec.token_dim}",
            "stages (channels x height x width)",
            *shapes,
        ]
    )


def _fusion_macs(name: str) -> str:
    try:
        macs = count_macs(build_model(FUSIONS.settle(name), REFERENCE_BACKBONE))
    except NotApplicableError as error:
        return f"not applicable ({error})"
    missing = f" plus uncounted {', '.join(macs.uncounted)}" if macs.uncounted else ""
    return f"{macs.fusion:,} MACs of {macs.total:,} per pair{missing}"


def _find_record(key: str, results: Path) -> dict[str, Any] | None:
    """The record of a key, or of its beginning, in any run below a folder."""
    if len(key) < SHORTEST_KEY:
        return None
    try:
        folders = runs_below(results, "**/")
    except OSError as error:
        raise UsageError(f"--results {printable(str(results), LONGEST_VALUE)}: {error.strerror}") from None
    for folder in folders:
        for full_key, record in RunFolder(folder).written().items():
            if full_key.startswith(key):
                return record
    return None
