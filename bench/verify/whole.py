"""What is wrong with a run folder, as far as its own files and this code can tell."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.errors import UsageError
from bench.evaluation.metrics import most_accurate_threshold
from bench.metrics import evaluate, metric_names
from bench.records.append import stored
from bench.records.folder import RunFolder, latest
from bench.records.lines import open_lines, read_lines
from bench.records.record import DONE, Attempt, DetailedRecord, checker
from bench.records.scores import read_scores
from bench.sweep.config import load_config
from bench.sweep.config_file import as_asked
from bench.sweep.config_values import read_part
from bench.sweep.coordinates import coordinates
from bench.sweep.part import part_of
from bench.sweep.plan import Planned, make_plan
from bench.text import count_of

NAMED = 3
COORDINATES = ("fusion", "backbone", "domain", "repeats", "seed", "protocol", "recipe_id")
# Of a score in float32, beyond what another library rounds.
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Remark:
    """What was seen of a run folder; ``is_wrong`` where nothing should be built on it."""

    is_wrong: bool
    text: str


def verify(folder: RunFolder) -> list[Remark]:
    """Look at the header, at every line, at the keys that this code gives, and at the stored scores.

    What is wrong comes first. Plug-ins of the run have to be loaded.

    Raises:
        UsageError: a file cannot be read, or is of another schema.
    """
    header = folder.header()
    records = latest(folder.records(DetailedRecord))
    found = [*_header(header), *_lines(folder), *_endings(records), *_keys(header, records), *_scores(folder, records)]
    return sorted(found, key=lambda remark: not remark.is_wrong)


def _header(header: Mapping[str, Any]) -> Iterator[Remark]:
    if not header or "damaged" in header:
        yield Remark(True, f"run.json: {header.get('damaged', 'missing')}; it says how and where the records were made")
        return
    git = header.get("git")
    if not git:
        yield Remark(False, "run.json: not made in a checkout, so the commit is not known")
    elif git.get("dirty"):
        commit = str(git.get("sha") or "unknown")[:10]
        yield Remark(False, f"run.json: made at {commit} with changes that were not committed")


def _lines(folder: RunFolder) -> Iterator[Remark]:
    """Every line, also of attempts that a later one took the place of."""
    check, problems = checker(DetailedRecord), []
    for line in read_lines(folder.records_file):
        try:
            check(*line)
        except UsageError as error:
            problems.append(str(error))
    with open_lines(folder.records_file) as file:
        if not file.read().endswith(b"\n"):
            problems.append("the last line is cut off")
    name = folder.records_file.name
    yield from (Remark(True, f"{name}, {problem}") for problem in problems[:NAMED])
    if len(problems) > NAMED:
        yield Remark(True, f"{name}: {len(problems) - NAMED} more lines like these")


def _endings(records: Mapping[str, DetailedRecord]) -> Iterator[Remark]:
    counts = Counter(record.status for record in records.values())
    if not counts["ok"]:
        yield Remark(True, "no cell with a result")
    failed = sum(n for status, n in counts.items() if status not in DONE)
    if failed:
        yield Remark(False, f"{count_of(failed, 'cell')} of {len(records):,} failed, and tables will say so")


def _keys(header: Mapping[str, Any], records: Mapping[str, DetailedRecord]) -> Iterator[Remark]:
    """The cells that the header asks for are those that there are, under the keys that this code gives them."""
    try:
        planned = _planned(header, records)
        rest = {key: record for key, record in records.items() if key not in planned}
        own = _by_own_recipes(header, rest) if planned else {}
    except UsageError as error:
        yield Remark(False, f"keys not computed again: {error}")
        return
    if not planned:
        return
    missing = [one for key, one in planned.items() if key not in records]
    strange = [record for key, record in rest.items() if key not in own]
    if strange:
        one = strange[0]
        told = f"{one.key} ({one.fusion} on {one.domain}, {one.repeats} {one.seed})"
        yield Remark(True, f"{count_of(len(strange), 'key is', 'keys are')} none of this code and run.json, as {told}")
    if missing:
        lacking = f"{count_of(len(missing), 'cell')} that run.json asks for"
        yield Remark(True, f"{lacking} without a record, as {missing[0].cell}")
    found = {key: one for key, one in own.items() if key in rest}
    yield from _coordinates(planned | found, records)
    if found:
        by_itself = f"{count_of(len(found), 'cell')} under a recipe that its record alone tells, as after bench tune"
        yield Remark(False, f"{by_itself}: whether all of them are there is not known")
    if not strange and not missing:
        yield Remark(False, f"{count_of(len(planned) + len(found), 'key')} computed again: the same")


def _planned(header: Mapping[str, Any], records: Mapping[str, DetailedRecord]) -> dict[str, Planned]:
    """The cells that the sessions of a run asked for, by key. Plug-ins come from who verifies."""
    planned: dict[str, Planned] = {}
    for asked in _asked(header):
        config = load_config(asked)
        plan = make_plan(config, dict[str, Attempt](records))
        plan = part_of(plan, *read_part(config.part)) if config.part else plan
        planned |= {one.key: one for one in plan.cells}
    return planned


def _by_own_recipes(header: Mapping[str, Any], records: Mapping[str, DetailedRecord]) -> dict[str, Planned]:
    """The cells of ``records`` under the recipes that they tell, by key: ``bench tune`` tests each fusion under its
    own, and a header holds that of the first."""
    groups: dict[tuple[str, str, str], list[DetailedRecord]] = defaultdict(list)
    for record in records.values():
        groups[record.domain, record.backbone, record.recipe_id].append(record)
    planned: dict[str, Planned] = {}
    for asked in _asked(header, "tune"):
        for (domain, backbone, _), alike in groups.items():
            fusions = sorted({record.fusion for record in alike})
            own = {"domain": [domain], "backbone": [backbone], "fusion": fusions, "recipe": alike[0].recipe}
            planned |= {one.key: one for one in make_plan(load_config({**asked, **own, "part": None}), {}).cells}
    return planned


def _asked(header: Mapping[str, Any], command: str = "") -> Iterator[dict[str, Any]]:
    """What each session asked for, without its plug-ins; of a ``command`` alone where one is given."""
    for session in (header, *header.get("earlier", ())):
        asked = session.get("config")
        is_of = not command or str(session.get("command", "")).startswith(f"bench {command}")
        if is_of and isinstance(asked, Mapping):
            yield {name: value for name, value in as_asked(asked).items() if name != "include"}


def _coordinates(planned: Mapping[str, Planned], records: Mapping[str, DetailedRecord]) -> Iterator[Remark]:
    """A record says of itself what its key was made of."""
    for key, record in records.items():
        if key not in planned:
            continue
        known = coordinates(planned[key].cell, key)
        true = {name: known[name] for name in COORDINATES} | {"warm-up": known["warmup"]["task"]}
        said = {name: getattr(record, name) for name in COORDINATES} | {"warm-up": record.warmup["task"]}
        if said != true:
            yield Remark(True, f"record {key} says {_listed(said)}, its key {_listed(true)}")


def _listed(names: Mapping[str, Any]) -> str:
    return " · ".join(map(str, names.values()))


def _scores(folder: RunFolder, records: Mapping[str, DetailedRecord]) -> Iterator[Remark]:
    """Metrics are computed again wherever the scores are there."""
    done = [record for record in records.values() if record.status == "ok"]
    there = [record for record in done if (folder.scores / f"{record.key}.npz").exists()]
    if not there:
        yield Remark(False, "no scores/: metrics not computed again")
        return
    wrong = 0
    for record in there:
        try:
            problem = _differs(record, read_scores(folder.scores / f"{record.key}.npz"))
        except (KeyError, UsageError) as error:
            problem = f"scores of {record.key}: {error}"
        if problem:
            wrong += 1
            if wrong <= NAMED:
                yield Remark(True, problem)
    yield Remark(
        bool(wrong),
        f"metrics of {len(there):,} of {count_of(len(done), 'cell')} computed again: {wrong or 'none'} differ",
    )


def _differs(record: DetailedRecord, scores: Mapping[str, Any]) -> str:
    """The first metric that its scores do not give; empty where they give all."""
    cosine_tuned = math.nan
    if "val/cosine" in scores:
        cosine_tuned = most_accurate_threshold(scores["val/label"], scores["val/cosine"])
    names: Sequence[str] = metric_names()
    tested = {domain: dict(zip(names, one.values, strict=True)) for domain, one in record.eval.items()}
    told = {f"on {domain}": (stored(domain), f"{stored(domain)}/swapped", said) for domain, said in tested.items()}
    # Validation pairs have one order. Races and trials are decided by them.
    told |= {"of validation": ("val", "val", record.validation)} if record.validation else {}
    for where, (name, swapped, said) in told.items():
        again = evaluate(
            scores[f"{name}/label"], scores[name], scores[swapped], said["threshold"] or 0.0,
            said["threshold_tuned"] or 0.0, scores.get(f"{name}/cosine"), cosine_tuned,
        )  # fmt: skip
        for metric in filter(said.keys().__contains__, again):
            if not _equal(said[metric], again[metric]):
                return f"record {record.key}: {metric} {where} is {said[metric]}, its scores give {again[metric]}"
    return ""


def _equal(said: float | None, true: float | None) -> bool:
    if said is None or true is None:
        return said is true
    return math.isclose(said, true, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
