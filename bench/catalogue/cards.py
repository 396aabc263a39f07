"""The cards that ``bench show`` prints."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from bench.backbones import BACKBONES, create_backbone
from bench.catalogue.domain_card import domain_card
from bench.catalogue.inventory import EXAMPLE, REFERENCE_BACKBONE, fusion_parameters
from bench.catalogue.warmup_card import WarmedUp, warmup_card
from bench.catalogue.warmup_pictures import PICTURES
from bench.cost.macs import count_macs
from bench.domain import DOMAINS
from bench.errors import NotApplicableError, UsageError
from bench.fusion import FUSIONS
from bench.model import IMAGE, build_fusion, build_model
from bench.records.folder import find_runs, read_lines
from bench.records.record import parse
from bench.source import source_file
from bench.spec import canonical, parse_spec
from bench.training.objectives import OBJECTIVES
from bench.training.warmup import WARMUPS


def card(name: str, results: Path, out: Path | None, warmed_up: WarmedUp) -> str:
    """The card of whatever ``name`` is; for a domain also its contact sheet, and for some warm-ups pictures, written to
    ``out`` or the current folder.

    Raises:
        UsageError: nothing has that name, or ``out`` is given for something that has no picture.
    """
    spec = parse_spec(name)
    if spec.name in DOMAINS:
        return domain_card(name, out)
    if spec.name in WARMUPS:
        shown = warmup_card(name, warmed_up, out)
        return f"{shown}\n\n\n{objective_card(name)}" if name in OBJECTIVES else shown
    if out is not None:
        known = f"domains {', '.join(DOMAINS)}; warm-ups {', '.join(PICTURES)}"
        raise UsageError(f"--out: only domains and some warm-ups have pictures, and {name!r} is none of them; {known}")
    if spec.name in FUSIONS:
        return fusion_card(name)
    if spec.name in OBJECTIVES:
        return objective_card(name)
    if spec.name in BACKBONES or spec.name.startswith("timm:"):
        return backbone_card(spec.name)
    record = _find_record(name, results)
    if record is None:
        known = f"fusions {', '.join(FUSIONS)}; backbones {', '.join(BACKBONES)}; domains {', '.join(DOMAINS)}"
        known += f"; warm-ups {', '.join(WARMUPS)}; objectives {', '.join(OBJECTIVES)}"
        raise UsageError(f"nothing is called {name!r}, and no record in {results} has that key; {known}")
    return json.dumps(record, indent=2)


def fusion_card(text: str) -> str:
    """Formula, facts and parameters of a fusion, given by name or with parameters."""
    cls = FUSIONS.get(parse_spec(text).name)
    spec = canonical(parse_spec(text), cls, given=("spec",))
    name = str(spec)
    try:
        built = build_fusion(spec, EXAMPLE)
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
        f"paper       {built.paper}",
        f"size        {fusion_parameters(name):,} parameters with its head, for 64 dimensions",
        f"cost        {_fusion_macs(name)} on {REFERENCE_BACKBONE}",
        f"defined in  {source_file(cls)}",
    ]
    return "\n".join(lines + _options(cls, given=("spec",)))


def objective_card(text: str) -> str:
    """Formula and parameters of one term of an objective."""
    name = parse_spec(text).name
    term = OBJECTIVES.get(name)
    facts = [f"reads       {term.reads}", f"paper       {term.paper}", f"defined in  {source_file(term)}"]
    lines = [f"objective {name}", "", inspect.cleandoc(term.__doc__ or ""), "", *facts]
    return "\n".join(lines + _options(term, given=("space",)))


def _options(cls: type, given: tuple[str, ...]) -> list[str]:
    """Parameters with their defaults, without those that the harness supplies."""
    parameters = [one for one in inspect.signature(cls).parameters.values() if one.name not in given]
    settable = [f"  {one.name} = {one.default!r}" for one in parameters if one.default is not one.empty]
    return ["options", *settable] if settable else []


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
        macs = count_macs(build_model(parse_spec(name), REFERENCE_BACKBONE))
    except NotApplicableError as error:
        return f"not applicable ({error})"
    missing = f" plus uncounted {', '.join(macs.uncounted)}" if macs.uncounted else ""
    return f"{macs.fusion:,} MACs of {macs.total:,} per pair{missing}"


def _find_record(key: str, results: Path) -> dict[str, Any] | None:
    if not any(results.glob("**/records.jsonl")):
        return None
    for run in find_runs(results):
        written = {line["key"]: line for line in (parse(*line) for line in read_lines(run.records_file))}
        for full_key, record in written.items():
            if full_key.startswith(key) and len(key) >= 6:
                return record
    return None
