"""Parts of the pages of studies: each takes the report of a study and a metric, and yields paragraphs and tables."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, combinations
from pathlib import Path
from statistics import fmean

import numpy as np
import typer
from rich.console import Console
from study_new_classes import BEST, novel, unseen

from bench import zoo
from bench.cli import app
from bench.fusion import FUSIONS
from bench.metrics import metric_position
from bench.plots.style import metric_label
from bench.records.folder import RunFolder, latest
from bench.records.load import load_runs
from bench.records.record import DONE, DetailedRecord
from bench.records.sections import Section
from bench.records.ties import how_bold
from bench.report.across_block import across_block, cells, grid, title
from bench.report.caption import backbone_facts, caption
from bench.report.footnotes import legend
from bench.report.formats.markdown import bullets, wrap
from bench.report.gaps_block import gaps_block
from bench.report.order_block import span
from bench.report.provenance import provenance, sentence
from bench.report.quarters_block import quarters_block
from bench.report.report import Report, build
from bench.report.table import Block, Grid, Table
from bench.stats.ranking import rank_correlations, ranks_of
from bench.sweep.config import load_config
from bench.tune.run import Tuning, read_boards
from bench.tune.space import read_space, read_trials
from bench.tune.table import render
from bench.verdicts.across import across as across_of
from bench.verdicts.effects import FUSION, SEED, effects_of

UNCOMMITTED = (
    "Whatever changes were not committed, the keys of these cells, which hash the source of fusion, backbone and "
    "domain, are those that the committed code gives: `make studies-check` computes them again."
)
Part = Callable[[Report, str], Iterator[str]]
DRAWN = {"color", "contours", "shapes", "texture"}
# Shown in a short table beside the best and the last ones.
KNOWN, LAST = ("concat", "abs_diff", "hadamard", "cosine"), 1


def across(report: Report, metric: str) -> Iterator[str]:
    """Fusions on all domains beside each other."""
    for found in report.across:
        yield from _block(title(found), across_block(found))


def short(report: Report, metric: str) -> Iterator[str]:
    """The same of the best and the last ones and of what everybody knows."""
    for found in report.across:
        whole = grid(found)
        last = len(whole.rows) - LAST
        shown = [row for place, row in enumerate(whole.rows) if place < BEST or place >= last or base(row[0]) in KNOWN]
        yield Grid(whole.header, shown, whole.left).markdown()


def single(report: Report, metric: str) -> Iterator[str]:
    """Fusions on the only domain trained on, and on what else they were tested."""
    for section in report.sections:
        found = Table(section, [metric], ()).main()
        if found is not None:
            yield wrap(caption(section)[1])
            yield found.markdown()
            yield from map(wrap, legend(section.entries))


def gaps(report: Report, metric: str) -> Iterator[str]:
    """What new classes and new groups cost, on every domain that has them."""
    for section in report.sections:
        for backbone in section.backbones:
            part = section.of(backbone)
            blocks = [
                *_block(section.title, quarters_block(part, metric)),
                *_block("", gaps_block(part, report.gaps[section.title], metric, None, report.margin)),
            ]
            if blocks:
                yield from [*blocks, *map(wrap, legend(part.entries))]


def spread(report: Report, metric: str) -> Iterator[str]:
    """How large the differences between fusions are beside what chance leaves, on every domain."""
    rows = []
    for section in report.sections:
        found = effects_of(section.entries, [section.domain], metric)
        if found is not None:
            fusion, rest = found.variances[FUSION] ** 0.5, found.variances[f"{FUSION} x {SEED}"] ** 0.5
            cells = [100 * fusion, 100 * rest, fusion / rest]
            numbers = [f"{cells[0]:.2f}", f"{cells[1]:.2f}", f"{cells[2]:.1f}", f"{found.reliability:.3f}"]
            rows.append([section.domain, str(found.levels[FUSION]), str(found.seeds), *numbers])
    header = ["domain", "fusions", "n", "sd between fusions, points", "residual sd, points", "ratio", "ICC of means"]
    yield Grid(header, rows, left=1).markdown()


def transfer(report: Report, metric: str) -> Iterator[str]:
    """Whether drawn domains order the fusions as the others do, and what it would cost to choose by one of them."""
    (board,) = report.across
    real = [domain for domain in board.domains if base(domain) not in DRAWN]
    drawn = [domain for domain in board.domains if domain not in real]
    found = {frozenset((one.first, one.second)): one for one in board.agreements}
    pairs = [[found[frozenset((row, column))] for column in real] for row in drawn]
    cells = [[f"{one.correlation:.2f} ({span(one.low, one.high)})" for one in row] for row in pairs]
    yield Grid(["order on", *real], [[row, *own] for row, own in zip(drawn, cells, strict=True)], left=1).markdown()
    within = [one.correlation for pair, one in found.items() if pair <= set(real)]
    ceilings = [one.ceiling for row in pairs for one in row]
    yield wrap(
        f"Rank correlation (Spearman's) of {len(board.fusions)} fusions with its 95 % interval. It could be "
        f"{min(ceilings):.2f} to {max(ceilings):.2f}, given how well each order repeats; among {', '.join(real)} it "
        f"is {min(within):.2f} to {max(within):.2f}."
    )
    (aim,) = across_of([one for one in report.sections if one.domain in real], metric)
    rows = []
    for domain in drawn:
        (own,) = across_of([one for one in report.sections if one.domain == domain], metric, fewest=1)
        lost = {fusion: aim.lead_over(fusion) for fusion in own.may_be_best}
        told = [
            f"{fusion} {100 * one.mean:.2f} ({100 * one.low:.2f} to {100 * one.high:.2f})"
            if one.mean
            else f"{fusion} 0"
            for fusion, one in lost.items()
        ]
        rows.append([domain, "; ".join(told)])
    yield Grid(
        ["chosen on", "may be the best there, and how far behind the best elsewhere, points"], rows, 2
    ).markdown()
    yield wrap(f"Elsewhere: the mean over {', '.join(real)}, where {aim.fusions[0]} is the best.")


def encoders(report: Report, metric: str) -> Iterator[str]:
    """The first ones behind each encoder: of this study and of those whose names begin with its name."""
    here = Path(report.runs[0].folder)
    others = [build(load_runs([folder]), (metric,), ()) for folder in sorted(here.parent.glob(f"{here.name}-*"))]
    boards = [across_of(one.sections, metric)[0] for one in (report, *others)]
    names = [one.conditions.backbone for one in boards]
    assert len({tuple(one.domains) for one in boards}) == 1, "a study of that name is about other domains"
    assert len(set(names)) == len(names), "two studies of that name are behind one encoder"
    means = [dict(zip(map(base, one.fusions), one.mean[:, -1].tolist(), strict=True)) for one in boards]
    shared = [fusion for fusion in means[0] if all(fusion in own for own in means)]
    values = np.array([[own[fusion] for fusion in shared] for own in means])
    ranks = ranks_of(values)
    shown = [place for place, name in enumerate(shared) if ranks[:, place].min() <= BEST or name in KNOWN]
    rows = [
        [
            shared[place],
            *(f"{value:.3f} ({rank:g})" for value, rank in zip(values.T[place], ranks.T[place], strict=True)),
        ]
        for place in shown
    ]
    yield Grid(["fusion", *names], rows, left=1).markdown()
    found = rank_correlations(values)
    pairs = combinations(range(len(names)), 2)
    told = ", ".join(f"{names[one]} and {names[two]} {found[one, two]:.2f}" for one, two in pairs)
    repetitions = ", ".join(str(one.repetitions) for one in boards)
    yield wrap(
        f"Mean {metric_label(metric)} over the same domains, and its rank among {len(shared)} fusions, of the first "
        f"{BEST} behind any and of what everybody knows. Rank correlations of the means (Spearman's): {told}; "
        f"{repetitions} replicates, too few for their intervals."
    )


def early(report: Report, metric: str) -> Iterator[str]:
    """How far the best join of pixels is ahead of the best one of encodings, by domain and pairs in training."""
    zoo.load_built_in(["fusions"])
    domains = [section.domain for section in report.sections]
    rows, compared = [], set()
    for section in sorted(report.sections, key=lambda one: (domains.index(one.domain), training_pairs(one))):
        (board,) = across_of([section], metric, fewest=1)
        pixels = [fusion for fusion in board.fusions if FUSIONS.get(base(fusion)).needs == "pixels"]
        others = [fusion for fusion in board.fusions if fusion not in pixels]
        compared.add(len(pixels) * len(others))
        lead = board.lead(pixels[0], others[0], 1 - 0.05 / (len(pixels) * len(others)))
        told = [f"{100 * one:+.2f}" for one in (lead.mean, lead.low, lead.high)]
        best = [f"{one} {cells(board, one)[section.domain].strip('*')}" for one in (pixels[0], others[0])]
        rows.append([section.domain, f"{training_pairs(section):,}", *best, told[0], f"{told[1]} to {told[2]}"])
    header = ["domain", "pairs in training", "best of pixels", "best of encodings", "ahead, points", "interval"]
    yield Grid(header, rows, left=1).markdown()
    (pairs,) = compared
    chosen = (
        f" Each interval holds at 5 % / {pairs}, for whichever two of so many pairs are the best." if pairs > 1 else ""
    )
    yield wrap(f"{metric_label(metric)}, paired by replicate, with 95 % intervals.{chosen}")


def labelled(report: Report, metric: str) -> Iterator[str]:
    """Scores by how many pairs training had, and which fusions may have the best mean with so many."""
    sections: dict[int, list[Section]] = {}
    for section in sorted(report.sections, key=training_pairs):
        sections.setdefault(training_pairs(section), []).append(section)
    boards = {number: across_of(own, metric)[0] for number, own in sections.items()}
    last = list(boards.values())[-1]
    header = ["pairs in training", *(f"{number:,}" for number in boards)]
    for column, where in {"mean": f"mean over {', '.join(last.domains)}", **{one: one for one in last.domains}}.items():
        yield f"{metric_label(metric)}, {where}:"
        own = [[fusion, *(cells(board, fusion)[column] for board in boards.values())] for fusion in last.fusions]
        yield Grid(header, own, left=1).markdown()
    yield wrap(f"Over {last.repetitions} replicates. Bold: {how_bold(last.repetitions, last.repetitions)}.")
    rows = []
    for number, board in boards.items():
        over = next(fusion for fusion in board.fusions if base(fusion) == KNOWN[0])
        lead = board.lead_over(over)
        gain = f"{100 * lead.mean:+.2f} ({100 * lead.low:.2f} to {100 * lead.high:.2f})"
        rows.append([f"{number:,}", ", ".join(map(base, board.may_be_best)), gain])
    yield Grid(["pairs in training", "may be the best mean", f"best over {KNOWN[0]}, points"], rows, left=2).markdown()


def training_pairs(section: Section) -> int:
    """How many pairs training drew."""
    return int(section.finished[0].recipe["train_pairs"])


def tuned(report: Report, metric: str) -> Iterator[str]:
    """Fusions under the default recipe and under the one that was chosen for each, by the command that made them."""
    folder = os.path.commonpath([run.folder for run in report.runs])
    _, *command = shlex.split(report.runs[0].header["command"])
    with (top := typer.main.get_command(app)).make_context("bench", [], resilient_parsing=True) as context:
        name, tune, arguments = top.resolve_command(context, command)
    asked = tune.make_context(name, arguments).params
    tuning = Tuning(read_space(asked["over"]), read_trials(asked["trials"]), metric, asked["tuning_replicates"])
    config = load_config({"out": folder}, *asked["config"])
    for board in read_boards(config, tuning, Console(quiet=True)):
        yield render([board]).rstrip()


def made(report: Report, metric: str) -> Iterator[str]:
    """How the records came about: conditions, controls, cells, computing time, versions."""
    first, *others = report.sections
    by_pairs = {training_pairs(one): one for one in report.sections if one.domain == first.domain}
    backbones = [backbone_facts(by_pairs[number]) for number in sorted(by_pairs)]
    alike = list(dict.fromkeys(one.domain for one in others if one.domain != first.domain))
    told = [f"Alike on {', '.join(alike)}."] if alike else []
    yield wrap(" ".join([caption(first)[0], *told, *chain.from_iterable(backbones)]))
    attempts = [one for run in report.runs for one in RunFolder(run.folder).records(DetailedRecord)]
    minutes = sum(one.times.get("total", 0.0) for one in attempts) / 60
    cells = latest(attempts).values()
    yield wrap(_controls(cells, metric))
    ran = [one for one in cells if one.status != "not_applicable"]
    failed = sum(one.status not in DONE for one in ran)
    yield wrap(f"{len(ran)} cells, {failed} of them failed; {minutes:.0f} minutes of one worker, warm-ups not counted.")
    facts = provenance(report.runs)
    yield bullets(map(sentence, facts))
    if any(one["git_dirty"] for one in facts):
        yield wrap(UNCOMMITTED)


def _controls(cells: Iterable[DetailedRecord], metric: str) -> str:
    """What became of those that must stay at chance."""
    known: dict[str, dict[str, list[float]]] = {}
    for cell in cells:
        if cell.role == "control" and cell.status == "ok":
            value = cell.eval[cell.domain].values[metric_position(metric)]
            known.setdefault(cell.fusion, {}).setdefault(cell.domain, []).append(value)
    if not known:
        return "No control ran in this study."
    means = {name: [fmean(own) for own in of.values()] for name, of in known.items()}
    spans = (f"{name} {min(own):.3f} to {max(own):.3f}" for name, own in sorted(means.items()))
    return f"Controls, which must stay at chance ({metric_label(metric)}, means on the domains): {', '.join(spans)}."


def _block(heading: str, block: Block | None) -> Iterator[str]:
    if block is not None:
        yield from [f"**{heading}**"] if heading else []
        yield wrap(block.sentence)
        yield from block.tables
        yield from map(wrap, block.legend)


def base(fusion: str) -> str:
    """Its name without what a study chose for it."""
    return fusion.partition(":")[0]


OF_A_STUDY: Mapping[str, Part] = {
    "across": across,
    "early": early,
    "encoders": encoders,
    "gaps": gaps,
    "labelled": labelled,
    "made": made,
    "novel": novel,
    "short": short,
    "single": single,
    "spread": spread,
    "transfer": transfer,
    "tuned": tuned,
    "unseen": unseen,
}
